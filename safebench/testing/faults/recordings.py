"""Faults of recordings, as speech endpoints send them, and of transcriptions, as recognisers do."""

from __future__ import annotations

import io
import json
import math
import struct
import wave

from safebench.testing.faults.fault import FAILS, READ, Fault, Handling
from safebench.testing.server import Reply

RATE = 24000  # Hz
_NO_SPEECH = "it is no recording"
_NO_TEXT = "it is asked for no transcription"
_OF_SPEECH = dict.fromkeys(("target", "juror", "writer"), "it sends text; for speech in an answer see spoken-no-length")
_OF_TEXTS = dict.fromkeys(("target", "juror", "writer"), "it sends a chat completion")


def _tone(seconds: float = 1.0) -> bytes:
    """A WAV file in which something swells and fades, as a voice does."""
    samples = (
        0.3 * (1 + math.sin(6 * math.pi * n / RATE)) / 2 * math.sin(2 * math.pi * 300 * n / RATE)
        for n in range(int(seconds * RATE))
    )
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setparams((1, 2, RATE, 0, "NONE", ""))
        recording.writeframes(b"".join(struct.pack("<h", round(32767 * sample)) for sample in samples))
    return file.getvalue()


WAV = _tone()


def with_sizes(wav: bytes, size: int) -> bytes:
    """A plain WAV file whose header tells other sizes."""
    return wav[:4] + struct.pack("<I", size) + wav[8:40] + struct.pack("<I", size) + wav[44:]


def _speech(name: str, plays: str, handling: Handling, body: bytes, content_type: str = "audio/wav") -> Fault:
    handling = handling.but(**_OF_SPEECH, recogniser=_NO_SPEECH)
    return Fault(name, plays, handling, lambda call, good: Reply(body, headers={"Content-Type": content_type}))


def _text(name: str, plays: str, body: object) -> Fault:
    handling = FAILS.but(**_OF_TEXTS, speech=_NO_TEXT)
    return Fault(name, plays, handling, lambda call, good: Reply(json.dumps(body).encode()))


_CUT = FAILS.but("is no rendering: a clip that is cut, silent or empty is never sent")

RECORDINGS = (
    _speech("sizes-ffffffff", "A WAV header with sizes of 0xFFFFFFFF.", READ, with_sizes(WAV, 0xFFFFFFFF)),
    _speech("sizes-0", "A WAV header with sizes of 0.", READ, with_sizes(WAV, 0)),
    _speech("sizes-2000000000", "A WAV header with sizes of 2,000,000,000.", READ, with_sizes(WAV, 2_000_000_000)),
    _speech("wav-cut", "A recording that breaks off.", _CUT, WAV[:9000]),
    _speech("wav-twice", "Two recordings, one after the other.", _CUT, WAV + WAV),
    _speech("wav-empty", "A recording without samples.", _CUT, with_sizes(WAV[:44], 0)),
    _speech("wav-silent", "A recording of silence.", _CUT, WAV[:44] + bytes(len(WAV) - 44)),
    _speech("speech-json", "An error in JSON, called a recording.", FAILS, b'{"error": {"message": "no voice"}}'),
    _speech("speech-events", "A stream of events.", FAILS, b'data: {"audio": "AAAA"}\n\n', "text/event-stream"),
    _text("text-null", "A transcription without text.", {"text": None}),
    _text("text-list", "A transcription whose text is a list.", {"text": ["a"]}),
)
