"""What stands in a run's folder about its batches is read as it was written, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from safebench.errors import BadInput
from safebench.files import write_toml
from safebench.runs.batches import STATE, Batches

SENT = {
    **{"file": "requests/0001/0001-tested.jsonl", "base_url": "https://nowhere.invalid/v1", "key_name": "NO_KEY"},
    **{"path": "/v1/chat/completions", "model": "tested", "requests": 6},
}


@pytest.mark.parametrize(
    ("key", "value"),
    [("file", value) for value in ("", "..", "/etc/passwd.jsonl", "requests/../../x.jsonl", "requests/1/a\0b.jsonl")]
    + [("base_url", value) for value in ("", "nowhere", "http://[x", "https://me:secret@nowhere.invalid/v1")],
)
def test_what_nobody_would_have_written_is_refused(tmp_path: Path, key: str, value: str) -> None:
    """A file elsewhere would be handed to a service, or written beside."""
    write_toml(tmp_path / STATE, {"batches": [SENT]})
    assert [one.file for one in Batches(tmp_path)] == [SENT["file"]]
    write_toml(tmp_path / STATE, {"batches": [{**SENT, key: value}]})
    with pytest.raises(BadInput, match=key):
        Batches(tmp_path)
