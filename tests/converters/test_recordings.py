from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile

from converters.recordings import Plain, check_type, check_whole, decode, plain, whole_recording, with_sizes
from modalities.audio.decoding import duration
from safebench.types import Media
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


@pytest.mark.parametrize(
    ("kind", "mimes"),
    [
        ("WAV", ("audio/wav", "audio/x-wav")),
        ("WAVEX", ("audio/wav",)),
        ("MP3", ("audio/mpeg", "audio/mp3")),
        ("OGG", ("audio/ogg",)),
        ("FLAC", ("audio/flac", "audio/x-flac")),
        ("AIFF", ("audio/aiff",)),
    ],
)
def test_a_recording_is_of_the_type_that_it_says(kind: str, mimes: tuple[str, ...]) -> None:
    for mime in mimes:
        check_type(check_whole(clip(kind)), mime)
    other = "audio/wav" if kind == "MP3" else "audio/mpeg"
    with pytest.raises(ValueError, match=f"the recording is {mimes[0]}, and not {other} as it says"):
        check_type(check_whole(clip(kind)), other)


def streamed(size: int, riff: int) -> bytes:
    whole = clip("WAV")
    at = whole.index(b"data") + 4
    return whole[:4] + struct.pack("<I", riff) + whole[8:at] + struct.pack("<I", size) + whole[at + 4 :]


@pytest.mark.parametrize(
    ("size", "riff"),
    [
        (0, 0),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFDB, 0xFFFFFFFF),
        (2_000_000_000, 2_000_000_036),
        (0x7FFFF000, 0x7FFFF024),
    ],
)
def test_a_recording_that_was_streamed_is_whole(size: int, riff: int) -> None:
    data = streamed(size, riff)
    check_whole(data)
    assert len(decode(data)[0]) == len(TONE) == len(whole_recording(data, "it")[0])
    assert with_sizes(data) == clip("WAV")


def test_recordings_that_follow_one_another_are_no_recording() -> None:
    with pytest.raises(ValueError, match="several recordings"):
        check_whole(clip("WAV") * 2)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_plain_recording_is_read_as_the_decoder_reads_it(channels: int) -> None:
    numbers = np.random.default_rng(channels).integers(-32_768, 32_768, (1001, channels)).astype(np.int16)
    data = clip("WAV", samples=numbers)
    assert plain(data) == Plain(channels, 16_000, 1001)
    samples, rate = decode(data)
    expected, _ = soundfile.read(io.BytesIO(data), dtype="float64", always_2d=True)
    assert (rate, samples.dtype, samples.shape) == (16_000, expected.dtype, expected.shape)
    assert np.array_equal(samples, expected)


WHOLE = clip("WAV")


@pytest.mark.parametrize(
    "data",
    [
        *(clip("WAV", subtype) for subtype in ("FLOAT", "PCM_24", "PCM_U8", "ULAW")),
        *(clip(kind) for kind in ("WAVEX", "FLAC", "MP3")),
        clip("WAV", samples=TONE[:0]),
        WHOLE[:-1],
        WHOLE + b"\0",
        WHOLE + b"LIST\4\0\0\0INFO",
        *(
            WHOLE[:at] + struct.pack("<I", wrong) + WHOLE[at + 4 :]
            for at, wrong in ((4, 9), (24, 0), (24, 2**31), (28, 7))
        ),
        *(WHOLE[:at] + struct.pack("<H", wrong) + WHOLE[at + 2 :] for at, wrong in ((22, 0), (22, 65_535), (32, 4))),
        WHOLE[:44],
        b"",
    ],
)
def test_what_is_not_plain_is_left_to_the_decoder(data: bytes) -> None:
    assert plain(data) is None


@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_a_plain_recording_lasts_as_long_as_the_decoder_says(rate: int) -> None:
    media = Media.of("audio", "audio/wav", recorded(TONE, rate))
    assert duration(media) == soundfile.info(io.BytesIO(media.read())).duration == 8000 / rate
