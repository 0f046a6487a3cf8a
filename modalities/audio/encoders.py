"""How speech travels to and from each target family."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from converters.recordings import with_sizes
from modalities.audio.decoding import decode
from safebench.plugins import Encoder
from safebench.types import Media

FORMATS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}
SPOKEN = ("audio", "output_audio", "input_audio", "audios")
_FOR_URLS = str.maketrans("-_", "+/")
_UNKNOWN = "application/octet-stream"


class OpenAIAudio:
    """Chat completions: an `input_audio` part; spoken answers in `audio`."""

    def encode(self, media: Media) -> Mapping[str, Any]:
        """Raises ValueError for a format that the family does not take."""
        if media.mime not in FORMATS:
            raise ValueError(f"chat completions take wav and mp3, not {media.mime}")
        data = base64.b64encode(media.read()).decode("ascii")
        return {"type": "input_audio", "input_audio": {"data": data, "format": FORMATS[media.mime]}}

    def decode(self, part: Mapping[str, Any]) -> Sequence[tuple[Media, str]] | None:
        """The spoken answers in a field `audio`, or in a part named so, with the target's own transcripts of them."""
        spoken = next((part[name] for name in SPOKEN if part.get(name) is not None), None)
        if spoken is None and part.get("type") not in SPOKEN:
            return None
        spoken = part if spoken is None else spoken
        several = spoken if isinstance(spoken, list) and spoken else [spoken]
        return [_decoded(one, part) for one in several]


class AudioUrl(OpenAIAudio):
    """An `audio_url` part with a data URI, where a server knows no `input_audio`."""

    def encode(self, media: Media) -> Mapping[str, Any]:
        """Any format: the server decodes it, or says that it cannot."""
        return {"type": "audio_url", "audio_url": {"url": media.data_uri()}}


class TransformersAudio(Encoder):
    """Local chat models: an `audio` part with samples, (frames,) float32, and their rate; they answer in text alone."""

    def encode(self, media: Media) -> Mapping[str, Any]:
        """Raises ValueError for what is no recording."""
        samples, rate = decode(media)
        return {"type": "audio", "audio": samples.astype("float32"), "sampling_rate": rate}


def _decoded(spoken: object, part: Mapping[str, Any]) -> tuple[Media, str]:
    """Raises ValueError for a malformed answer."""
    told = {"data": spoken} if isinstance(spoken, str) else spoken
    if not isinstance(told, Mapping) or not isinstance(told.get("data"), str) or not told["data"]:
        raise ValueError("the spoken answer carries no data")
    data = with_sizes(_bytes(told["data"]))
    return Media.of("audio", guess_mime(data), data), str(told.get("transcript") or part.get("transcript") or "")


def _bytes(data: str) -> bytes:
    """Of base64, be it a data URI, in lines, or in the alphabet for URLs."""
    plain = "".join(data.rpartition(",")[2].split()).translate(_FOR_URLS)
    try:
        return base64.b64decode(plain, validate=True)
    except binascii.Error as error:
        raise ValueError(f"the spoken answer is not base64: {error}") from error


def guess_mime(data: bytes) -> str:
    """The type by the first bytes, as the message does not name it; raw PCM cannot be told."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "audio/wav"
    for magic, mime in ((b"fLaC", "audio/flac"), (b"OggS", "audio/ogg"), (b"ID3", "audio/mpeg")):
        if data.startswith(magic):
            return mime
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0:  # the sync word of an MPEG frame
        return "audio/aac" if data[1] & 0x06 == 0 else "audio/mpeg"
    return _UNKNOWN
