from __future__ import annotations

import numpy as np
import pytest

from converters.recordings import check_whole
from tests.media_files import recorded

TONE = np.sin(np.arange(8000) / 10)


def clip(kind: str, subtype: str | None = None, samples: np.ndarray = TONE) -> bytes:
    return recorded(samples, kind=kind, subtype=subtype)


@pytest.mark.parametrize(("kind", "subtype"), [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", None), ("OGG", None)])
def test_a_whole_recording_is_whole(kind: str, subtype: str | None) -> None:
    check_whole(clip(kind, subtype))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (clip("WAV")[:5000], "promises 16000 bytes, and 4956 follow"),
        (clip("WAV")[:20], "Error opening"),
        (clip("FLAC")[:300], "psf_fseek"),
        (clip("FLAC", samples=np.tile(TONE, 20))[:-9000], "."),
        (clip("WAV", samples=TONE[:0]), "no samples"),
        (clip("WAV", "FLOAT", TONE * np.nan), "not finite"),
        (b"RIFF of something else", "Error opening"),
    ],
)
def test_what_is_not_whole_is_a_value_error(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_whole(data)
