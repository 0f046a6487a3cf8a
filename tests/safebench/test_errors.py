from __future__ import annotations

import asyncio
import pickle

import pytest

from safebench.errors import BadInput, ConversionError, MissingPackage, SafeBenchError, one_error


@pytest.mark.parametrize(
    "error",
    [
        BadInput("one"),
        BadInput("one", "two"),
        MissingPackage("converter 'x'", ["torch"], "local"),
        ConversionError("no"),
    ],
)
def test_an_error_comes_back_from_a_worker_process_with_its_text(error: SafeBenchError) -> None:
    back = pickle.loads(pickle.dumps(error))  # noqa: S301  our own
    assert type(back) is type(error)
    assert str(back) == str(error)


async def test_of_tasks_that_fail_the_first_error_itself_is_raised_with_its_cause() -> None:
    async def fail() -> None:
        raise OSError(28, "No space left on device") from cause

    async def fail_in_a_group() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    cause = ValueError("why")
    with pytest.raises(OSError, match="No space left") as raised, one_error():
        async with asyncio.TaskGroup() as group:
            group.create_task(fail_in_a_group())
    assert raised.value.__cause__ is cause
