from __future__ import annotations

import pickle

import pytest

from safebench.errors import BadInput, ConversionError, MissingPackage, SafeBenchError


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
