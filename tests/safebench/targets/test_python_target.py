"""A user's function as the target. The modules are written into a folder that is the current directory."""

from __future__ import annotations

import asyncio
import linecache
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest
from PIL import Image

from safebench.errors import BadInput, TargetRefusesService
from safebench.models.opening import open_target
from safebench.plugins import Target, TargetSetup
from safebench.registry import check_complete
from safebench.targets.python import PythonTarget
from safebench.types import Message, Request, Response, Text
from tests.media_files import picture_media

HELLO = Request((Message("system", (Text("Be brief."),)), Message("user", (Text("hello"),))))
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write a module into the current directory; it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    before = set(sys.modules)

    def write_module(source: str, name: str = "users_model") -> Path:
        path = tmp_path / f"{name}.py"
        path.write_text(dedent(source), encoding="utf-8")
        return path

    yield write_module
    for name in set(sys.modules) - before:
        if name.startswith("users_"):
            del sys.modules[name]


def target(argument: str = "users_model:answer") -> PythonTarget:
    return PythonTarget(TargetSetup(argument))


async def ask(argument: str = "users_model:answer") -> Response:
    return await target(argument).ask(HELLO)


# --- answers


async def test_the_function_gets_chat_messages(write: Write) -> None:
    write(
        """
        def answer(messages):
            return "; ".join(f"{message['role']}: {message['content']}" for message in messages)
        """
    )
    response = await ask()
    assert (response.status, response.text) == ("answered", "system: Be brief.; user: hello")
    assert response.model == "python:users_model:answer"
    assert response.attempts[0].error is None


async def test_media_come_as_base64_or_decoded(write: Write) -> None:
    write(
        """
        def answer(messages):
            (part,) = messages[0]["content"]
            picture = part[part["type"]]
            return part["type"] + " " + (picture["url"][:22] if isinstance(picture, dict) else str(picture.size))
        """
    )
    request = Request((Message("user", (picture_media(Image.new("RGB", (4, 3))),)),))
    told = [await open_target("python:users_model:answer", o).ask(request) for o in ({}, {"media": "decoded"})]
    assert [response.text for response in told] == ["image_url data:image/png;base64,", "image (4, 3)"]


async def test_thinking_is_no_part_of_the_answer(write: Write) -> None:
    write('def answer(messages): return "They greet.</think>Hello."')
    response = await ask()
    assert (response.text, response.thinking) == ("Hello.", "They greet.")


async def test_a_coroutine_function_is_awaited(write: Write) -> None:
    write(
        """
        import asyncio
        async def answer(messages):
            await asyncio.sleep(0)
            return "awaited"
        """
    )
    assert (await ask()).text == "awaited"


async def test_a_returned_awaitable_is_awaited(write: Write) -> None:
    write(
        """
        async def later(): return "later"
        class Model:
            def __call__(self, messages): return later()
            def method(self, messages): return "method"
        answer = Model()
        """
    )
    assert (await ask()).text == "later"
    assert (await ask("users_model:answer.method")).text == "method"


async def test_a_plain_function_does_not_hold_up_the_others(write: Write) -> None:
    write("import time\ndef answer(messages):\n    time.sleep(0.3)\n    return 'slept'")
    tested = target()
    await tested.check()
    started = time.perf_counter()
    await asyncio.gather(*(tested.ask(HELLO) for _ in range(4)))
    assert time.perf_counter() - started < 1.1


async def test_an_empty_string_is_an_answer(write: Write) -> None:
    """It becomes `no_answer` later, which is not for the target to say."""
    write("def answer(messages): return ''")
    response = await ask()
    assert response.status == "answered"
    assert response.empty


# --- failures


@pytest.mark.parametrize(
    ("body", "type", "message"),
    [
        ("raise ValueError('I cannot help')", "ValueError", "I cannot help"),
        ("raise RuntimeError", "RuntimeError", "raised without a message"),
        ("raise StopIteration('over')", "StopIteration", "over"),
        ("raise SystemExit(3)", "SystemExit", "3"),
        ("return None", "TypeError", "the function returned None, not a string"),
        ("return {'text': 'hi'}", "TypeError", "the function returned dict {'text': 'hi'}, not a string"),
        ("return b'hi'", "TypeError", "the function returned bytes b'hi', not a string"),
        ("pass", "TypeError", "the function returned None, not a string"),
    ],
)
@pytest.mark.parametrize("keyword", ["def", "async def"])
async def test_what_goes_wrong_is_a_failure_and_never_an_answer(
    write: Write, keyword: str, body: str, type: str, message: str
) -> None:
    if keyword == "async def" and "StopIteration" in body:
        type, message = "RuntimeError", "coroutine raised StopIteration"  # Python itself sees to that
    write(f"{keyword} answer(messages):\n    {body}")
    response = await ask()
    assert (response.status, response.text) == ("failed", "")
    assert response.failure is not None
    assert response.failure.component == "python:users_model:answer"
    assert (response.failure.type, response.failure.message) == (type, message)
    assert message in str(response.attempts[0].error)


async def test_an_error_in_an_awaitable_is_a_failure(write: Write) -> None:
    write(
        """
        async def later(): raise KeyError("lost")
        def answer(messages): return later()
        """
    )
    response = await ask()
    assert response.failure is not None
    assert response.failure.type == "KeyError"


async def test_a_refused_service_stops_the_run(write: Write) -> None:
    write(
        """
        from safebench.errors import TargetRefusesService
        def answer(messages): raise TargetRefusesService("no more credit")
        """
    )
    with pytest.raises(TargetRefusesService, match="no more credit"):
        await ask()


# --- specs


@pytest.mark.parametrize("argument", ["", "users_model", "users_model:", ":answer"])
async def test_a_malformed_spec_is_bad_input(argument: str) -> None:
    with pytest.raises(BadInput, match=r"is not written python:MODULE:FUNCTION"):
        await target(argument).check()


async def test_a_file_is_taken_for_a_mistake(write: Write) -> None:
    with pytest.raises(BadInput, match=r"write the module: python:users_model:answer"):
        await target("./users_model.py:answer").check()


async def test_a_missing_module_is_named(write: Write) -> None:
    with pytest.raises(BadInput, match=r"there is no module 'users_modell'"):
        await target("users_modell:answer").check()


async def test_a_missing_dependency_of_the_module_is_named(write: Write) -> None:
    write("import users_dependency")
    with pytest.raises(BadInput, match=r"module 'users_model' needs 'users_dependency', which is not installed"):
        await target().check()


@pytest.mark.parametrize("source", ["1 / 0", "def answer(:", "raise SystemExit('bye')"])
async def test_a_module_that_cannot_be_imported_is_one_line(write: Write, source: str) -> None:
    write(source)
    with pytest.raises(BadInput, match=r"importing 'users_model' failed: (Zero|Syntax|System)") as caught:
        await target().check()
    assert "\n" not in str(caught.value)


async def test_a_missing_function_gets_the_nearest_name(write: Write) -> None:
    write("def answer(messages): return ''\ndef other(messages): return ''")
    with pytest.raises(BadInput, match=r"unknown function of module 'users_model' 'anwser'.*did you mean answer\?"):
        await target("users_model:anwser").check()


async def test_what_cannot_be_called_is_bad_input(write: Write) -> None:
    write("answer = 'always this'")
    with pytest.raises(BadInput, match=r"'answer' is str, which cannot be called"):
        await target().check()


async def test_nothing_is_imported_before_it_is_needed(write: Write) -> None:
    write("raise AssertionError('imported')")
    made = open_target("python:users_model:answer", {})
    with pytest.raises(BadInput):
        await made.check()


def test_a_function_says_itself_what_it_takes(write: Write) -> None:
    write("def answer(messages): return 'hi'")
    assert {"text", "image", "audio"} <= target().accepts
    del sys.modules["users_model"]
    write("def answer(messages): return 'hi'\nanswer.accepts = ['image', 'smell']")
    assert target().accepts == {"text", "image"}  # nothing is made of what has no encoder; text is always taken
    del sys.modules["users_model"]
    write("def answer(messages): return 'hi'\nanswer.accepts = 'image'")
    with pytest.raises(BadInput, match="accepts is 'image'; write a tuple"):
        _ = target().accepts


# --- identity


def test_an_edited_module_is_another_target(write: Write) -> None:
    path = write("def answer(messages): return 'one'")
    first = target().describe()
    assert first == target().describe()
    del sys.modules["users_model"]
    path.write_text("def answer(messages): return 'two'", encoding="utf-8")
    assert target().describe()["source"] != first["source"]


def test_is_complete() -> None:
    check_complete(Target, "python", PythonTarget)
    assert PythonTarget.family == "openai"


CELL = "def answer(messages):\n    return {!r}\n"


def cell(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a notebook runs one: its text is known to `linecache`, and no file holds it."""
    main = ModuleType("__main__")
    linecache.cache["<cell>"] = (len(text), None, text.splitlines(keepends=True), "<cell>")
    exec(compile(text, "<cell>", "exec"), vars(main))  # noqa: S102
    monkeypatch.setitem(sys.modules, "__main__", main)


async def test_a_function_of_a_notebook_is_known_by_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    cell(CELL.format("one"), monkeypatch)
    assert (await ask("__main__:answer")).text == "one"
    first = target("__main__:answer").describe()
    cell(CELL.format("two"), monkeypatch)
    assert target("__main__:answer").describe()["source"] != first["source"]


async def test_a_function_whose_text_nobody_can_read_is_no_target(monkeypatch: pytest.MonkeyPatch) -> None:
    cell(CELL.format("one"), monkeypatch)
    del linecache.cache["<cell>"]
    with pytest.raises(BadInput, match="write it into a file"):
        target("__main__:answer").describe()
