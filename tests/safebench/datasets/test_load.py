"""A converted folder opens with Hugging Face `datasets` where there is no torch: clips as bytes, pictures decoded."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.converting import convert
from tests.fixture_types import WriteJsonl

ROWS = [{"id": "a", "query": "How do birds fly?"}, {"id": "b", "query": "Why is 漢 missing?"}]


@pytest.fixture
def load(write_jsonl: WriteJsonl, tmp_path: Path) -> Callable[[str], Any]:
    from datasets import load_dataset

    out = tmp_path / "converted"
    convert(str(write_jsonl(ROWS)), ["image", "audio:female"], out, workers=1)
    return lambda medium: load_dataset(str(out), medium, cache_dir=str(tmp_path / "cache"))["train"]


def test_clips_load_as_bytes_with_their_voice_and_duration(load: Callable[[str], Any]) -> None:
    import soundfile
    from datasets import Audio

    rows = load("audio").cast_column("audio", Audio(decode=False))
    assert rows.features["voice"].dtype == "string"
    assert rows.features["duration"].dtype == "float64"
    samples, rate = soundfile.read(io.BytesIO(rows[0]["audio"]["bytes"]))
    assert len(samples) / rate == rows[0]["duration"]
    assert rows[0]["voice"] == "us-female"
    assert rows[1]["audio"] is None
    assert rows[1]["duration"] is None


def test_pictures_are_decoded(load: Callable[[str], Any]) -> None:
    rows = load("image")
    assert rows[0]["image"].size == (512, 512)
    assert rows[1]["image"] is None
