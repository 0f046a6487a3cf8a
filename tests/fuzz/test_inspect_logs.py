"""Logs that inspect wrote, with something wrong in them, where inspect is installed."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import made
from tests.fuzz.holding import case, command, fuzz
from tests.fuzz.odd import changed, damaged, values

pytest.importorskip("inspect_ai")


@cache
def _log() -> dict[str, Any]:
    """Of three queries, read as JSON."""
    from inspect_ai import eval

    place = made.queries().parent
    homes = {name: str(place / "home") for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME")}
    arguments = {"data": str(made.queries()), "condition": "text", "jury": "embedded", "workers": 1}
    with patch.dict("os.environ", homes):
        (log,) = eval(
            "safebench/run", model="mockllm/model", task_args=arguments, display="none", log_dir=str(place / "logs"),
            log_format="json", ctl_server=False,
        )  # fmt: skip
    read: dict[str, Any] = json.loads(Path(log.location.removeprefix("file://")).read_text(encoding="utf-8"))
    return read


@fuzz(20)
@given(st.data(), st.booleans())
def test_a_log_of_inspect_is_reported_or_refused(data: st.DataObject, is_damage: bool) -> None:
    log = _log()
    text = json.dumps(log).encode() if is_damage else json.dumps(data.draw(changed(log, values))).encode()
    with case() as folder:
        (folder / "log.json").write_bytes(data.draw(damaged(text)) if is_damage else text)
        command("report", folder / "log.json", "--draws", 100)
