"""How speech travels to and from each target family."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from modalities.audio.decoding import decode
from safebench.plugins import Encoder
from safebench.types import Media

FORMATS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}
_UNKNOWN = "application/octet-stream"


class OpenAIAudio:
    """Chat completions: an `input_audio` part; spoken answers in `audio`."""

    def encode(self, media: Media) -> Mapping[str, Any]:
        """Raises ValueError for a format that the family does not take."""
        if media.mime not in FORMATS:
            raise ValueError(f"chat completions take wav and mp3, not {media.mime}")
        data = base64.b64encode(media.read()).decode("ascii")
        return {"type": "input_audio", "input_audio": {"data": data, "format": FORMATS[media.mime]}}

    def decode(self, message: Mapping[str, Any]) -> tuple[Media, str] | None:
        """The spoken answer and the target's own transcript of it. Raises ValueError for a malformed one."""
        spoken = message.get("audio")
        if spoken is None:
            return None
        if not isinstance(spoken, dict) or not isinstance(spoken.get("data"), str) or not spoken["data"]:
            raise ValueError("the spoken answer carries no data")
        data = _bytes(spoken["data"])
        return Media.of("audio", guess_mime(data), data), str(spoken.get("transcript") or "")


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


def _bytes(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
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
