"""What batch services send back, and what a run has with them, with something wrong in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from safebench.runs.batches import STATE
from safebench.serialisation import storable
from safebench.store.store import Store
from safebench.targets import batch_files
from tests.fuzz import made
from tests.fuzz.holding import case, command, fuzz
from tests.fuzz.odd import changed, damaged, texts, values
from tests.fuzz.replies import ERRORS, STATUSES

LONGEST = 3000  # bytes of a row that is read, here
SPOILT = (
    *("changed", "changed", "changed", "damaged", "damaged", "of another call", "said twice", "contradicted", "lost"),
    *("an error", "an error", "no response", "deep", "long", "no JSON"),
)
Recorded = dict[str, tuple[str, str]]  # status and text by the key of a call


@st.composite
def spoilt_replies(draw: st.DrawFn, keys: list[str]) -> list[bytes]:
    """Two files that a service may have sent, some of their rows spoilt, or the bytes of a file damaged."""
    spoilt = draw(st.sets(st.sampled_from(keys), min_size=1))
    lines = [line for key in keys for line in (_spoilt(draw, key, keys) if key in spoilt else [_sound(key)])]
    lines, cut = draw(st.permutations(lines)), draw(st.integers(0, len(lines)))
    files = [b"".join(lines[:cut]), b"".join(lines[cut:])]
    return [draw(damaged(file)) if draw(st.integers(0, 5)) == 0 else file for file in files]


def _spoilt(draw: st.DrawFn, key: str, keys: list[str]) -> list[bytes]:
    sound, row = _sound(key), _row(key)
    odd = values | st.sampled_from(ERRORS)
    match draw(st.sampled_from(SPOILT)):
        case "changed":
            return [_line(draw(changed(row, values)))]
        case "damaged":
            return [draw(damaged(sound))]
        case "of another call":
            return [_line({**row, "custom_id": draw(st.sampled_from([*keys, "\ud800"]) | texts)})]
        case "said twice":
            return [sound, sound]
        case "contradicted":
            return [sound, _line(draw(changed(row, values)))]
        case "an error":
            answer = st.just(row["response"]["body"])
            response = {"status_code": draw(st.sampled_from(STATUSES) | values), "body": draw(odd | answer)}
            return [_line({**row, "response": response, "error": draw(st.none() | odd)})]
        case "no response":
            return [_line({**row, "response": draw(values), "error": draw(odd)})]
        case "deep":
            depth = draw(st.sampled_from([190, 300, 1200]))
            return [sound.replace(b"null", b"[" * depth + b"]" * depth)]
        case "long":
            return [sound.replace(b"Take", b"Take" * LONGEST)]
        case "no JSON":
            return [draw(st.binary(max_size=40)) + b"\n"]
    return []


def _row(key: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": _text(key)}
    body = {"model": "m", "choices": [{"index": 0, "finish_reason": "stop", "message": message}], "usage": {"x": 1}}
    return {"id": "r", "custom_id": key, "response": {"status_code": 200, "body": body}, "error": None}


def _text(key: str) -> str:
    return f"Take {key[:16]} apples."


def _sound(key: str) -> bytes:
    return _line(_row(key))


def _line(row: Any) -> bytes:
    return json.dumps(row).encode() + b"\n"


@fuzz(25)
@given(st.data())
def test_only_what_a_file_holds_for_a_call_is_its_answer(data: st.DataObject) -> None:
    run, keys = made.requested(), _keys()
    files = data.draw(spoilt_replies(keys))
    with case() as folder, patch.object(batch_files, "LONGEST_ROW", LONGEST):
        shutil.copytree(run, folder / "run")
        (folder / "back").mkdir()
        for number, file in enumerate(files):
            (folder / "back" / f"{number}.jsonl").write_bytes(file)
        said = command("requests", "import", folder / "run", folder / "back")
        assert said.status in (0, 1), said
        _check_recorded(_recorded(folder / "run"), b"\n".join(files), keys)


def _keys() -> list[str]:
    (file,) = made.requested().rglob("*.jsonl")
    return [json.loads(line)["custom_id"] for line in file.read_text(encoding="utf-8").splitlines()]


def _recorded(run: Path) -> Recorded:
    """Beside it, each item has no outcome where its call is not recorded, and is decided by an answer alone."""
    with Store(run, readonly=True) as store:
        told = list(store.rows("SELECT key, item, status, response FROM exchanges"))
        outcomes = dict(tuple(row) for row in store.rows("SELECT id, outcome FROM items"))
    by_item = {item: status for _, item, status, _ in told}
    for item, outcome in outcomes.items():
        assert (outcome is None) == (item not in by_item)
        assert outcome in (None, "no_answer", "blocked", "undecided") or by_item[item] == "answered"
        assert outcome != "blocked" or by_item[item] == "blocked"
    return {key: (status, json.loads(response)["text"]) for key, _, status, response in told}


def _check_recorded(recorded: Recorded, replies: bytes, keys: list[str]) -> None:
    lines = replies.split(b"\n")
    rows = [row for line in lines for row in _read(line)]
    for key, (status, text) in recorded.items():
        assert any(_may_say(row, status, text) for row in rows if row.get("custom_id") == key), (key, status, text)
    for key in keys:
        if _sound(key).strip() in lines and replies.count(key.encode()) == 1:
            assert recorded[key] == ("answered", _text(key))


def _read(line: bytes) -> Iterator[dict[str, Any]]:
    with suppress(ValueError, RecursionError):
        row = json.loads(line, parse_int=lambda digits: int(digits) if len(digits) < 9 else digits)
        if isinstance(row, dict):
            yield row


def _may_say(row: dict[str, Any], status: str, text: str) -> bool:
    """Whether the row is a reply that may have been recorded so."""
    response = row.get("response")
    if not isinstance(response, dict):
        return False
    if status != "answered":
        return True
    code = response.get("status_code", 200)
    return not row.get("error") and code in range(200, 300) and text in storable("".join(_texts(response)))


def _texts(value: Any) -> Iterator[str]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    yield from (value,) if isinstance(value, str) else ()
    for inner in inside:
        yield from _texts(inner)


# --- what a run has with services

SENT = {
    **{"file": "requests/0001/0001-tested.jsonl", "base_url": made.NOWHERE, "key_name": "NO_KEY"},
    **{"path": "/v1/chat/completions", "model": "tested", "requests": 6, "input_file": "file-1", "batch": "batch_1"},
    **{"status": "in_progress", "completed": 0, "failed": 0, "reason": "", "fetched": False},
}
DONE = {**SENT, "status": "completed", "fetched": True}


@fuzz(25)
@given(st.data(), st.sampled_from([[SENT], [DONE], [{**DONE, "fetched": False}], [DONE, SENT]]), st.booleans())
def test_what_a_run_has_with_services_is_read_or_refused(
    data: st.DataObject, batches: list[dict[str, Any]], is_damage: bool
) -> None:
    """Without a key nobody is asked."""
    whole, run = tomli_w.dumps({"batches": batches}).encode(), made.requested()
    spoilt = whole if is_damage else tomli_w.dumps(data.draw(changed({"batches": batches}))).encode("utf-8", "replace")
    spoilt = data.draw(damaged(whole)) if is_damage else spoilt
    with case() as folder:
        shutil.copytree(run, folder / "run")
        (folder / "run" / STATE).write_bytes(spoilt)
        for asked in ("status", "fetch", "submit"):
            said = command("requests", asked, folder / "run", "--quiet")
            assert said.status in (0, 2), said
            assert said.status == 0 or said.err.startswith("error: "), said
