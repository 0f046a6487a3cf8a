"""A converted folder opens with Hugging Face `datasets`, media decoded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.converting import convert
from tests.fixture_types import WriteJsonl

ROWS = [{"id": "a", "query": "How do birds fly?"}, {"id": "b", "query": "Why is 漢 missing?"}]


@pytest.fixture
def folder(write_jsonl: WriteJsonl, tmp_path: Path) -> Path:
    out = tmp_path / "converted"
    convert(str(write_jsonl(ROWS)), ["image", "audio:female"], out, workers=1)
    return out


def load(folder: Path, medium: str, cache: Path):
    from datasets import load_dataset

    return load_dataset(str(folder), medium, cache_dir=str(cache))["train"]


def test_pictures_are_decoded_and_a_missing_one_is_none(folder: Path, tmp_path: Path) -> None:
    rows = load(folder, "image", tmp_path / "cache")
    assert [row["id"] for row in rows] == ["a", "b"]
    assert rows[0]["image"].size == (512, 512)
    assert rows[1]["image"] is None
    assert rows[0]["query"] == ROWS[0]["query"]


def test_clips_are_decoded(folder: Path, tmp_path: Path) -> None:
    rows = load(folder, "audio", tmp_path / "cache")
    clip = rows[0]["audio"].get_all_samples()
    assert clip.sample_rate == 16000
    assert clip.data.shape[0] == 1
    assert clip.data.abs().max() > 0.01


def test_clips_load_undecoded_where_torchcodec_is_not_wanted(folder: Path, tmp_path: Path) -> None:
    import io

    import soundfile
    from datasets import Audio

    rows = load(folder, "audio", tmp_path / "cache").cast_column("audio", Audio(decode=False))
    samples, rate = soundfile.read(io.BytesIO(rows[0]["audio"]["bytes"]))
    assert rate == 16000
    assert len(samples) > 8000
