"""The process that speaks with one voice, or says how it would: espeak-ng, unused, forked for each utterance.

One process that speaks twice gives other samples the second time, so what is initialised here never speaks itself: each
utterance is spoken by a child forked from the unused state. The noise of breathy voices comes from a generator that
starts with the clock, so it is seeded too. Then the same text gives the same bytes, in every process.

It is a process of its own because a fork copies the page tables: beside a loaded recogniser that takes longer than the
speaking. It has one voice because a voice leaves traces in the next one. Only the standard library is imported here.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import IO, Any

from converters.text_to_speech.forked import DONE, ChildFailed, reason, run_forked

# from espeak-ng's speak_lib.h
_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000  # report missing data instead of ending the process
_CHARACTERS = 1  # position type
_UTF8 = 1
_IPA = 0x02  # phonemes
_PARAMETERS = {"words_per_minute": 1, "pitch": 3}

_SEED = 1
_TIMEOUT = 120.0  # s; twenty minutes of speech take a few seconds


class _Voice(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender_age_variant", ctypes.c_ubyte * 4),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Engine:
    """The library. Raises RuntimeError when it cannot be initialised or a call fails."""

    def __init__(self, library: str, data: str) -> None:
        self._library = ctypes.CDLL(library)
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self.rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), _DONT_EXIT)  # Hz
        if self.rate <= 0:
            raise RuntimeError(f"espeak-ng cannot use its data in {data!r} (it takes no path beyond 150 characters)")

    def set_voice(self, voice: str) -> None:
        self._call("SetVoiceByName", voice.encode())

    def speak(self, text: str, parameters: Mapping[str, int]) -> bytes:
        """16-bit mono PCM at `rate`. Only ever called in a forked child."""
        chunks: list[bytes] = []

        def keep(samples: Any, count: int, _events: Any) -> int:
            if samples and count > 0:
                chunks.append(ctypes.string_at(samples, 2 * count))
            return 0

        callback = _Callback(keep)  # held here: the library keeps no reference
        self._library.espeak_SetSynthCallback(callback)
        for name, value in parameters.items():
            self._call("SetParameter", _PARAMETERS[name], value, 0)
        self._call("ng_SetRandSeed", ctypes.c_long(_SEED))
        raw = text.encode() + b"\0"
        self._call("Synth", raw, ctypes.c_size_t(len(raw)), 0, _CHARACTERS, 0, _UTF8, None, None)
        self._call("Synchronize")
        return b"".join(chunks)

    def phonemes(self, clauses: Sequence[str]) -> bytes:
        """A JSON list: the sounds of each clause in IPA. Only ever called in a forked child."""
        return json.dumps([self._sounds(clause) for clause in clauses]).encode()

    def _sounds(self, clause: str) -> str:
        text = ctypes.create_string_buffer(clause.encode() + b"\0")
        place = ctypes.c_void_p(ctypes.addressof(text))
        read: list[str] = []
        while place.value:  # it may see several clauses where we see one
            read.append(self._library.espeak_TextToPhonemes(ctypes.byref(place), _UTF8, _IPA).decode())
        return " ".join(filter(None, read))

    def answer(self, **request: Any) -> bytes:
        return self.phonemes(**request) if "clauses" in request else self.speak(**request)

    def _call(self, function: str, *arguments: Any) -> None:
        status = self._library[f"espeak_{function}"](*arguments)
        if status != 0:
            raise RuntimeError(f"espeak_{function} failed with status {status}")

    def names(self) -> dict[str, list[str]]:
        """The names of voices that can be loaded, and of their variants. The engine cannot be used afterwards."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # it complains of dictionaries that its wheel lacks
        voices = [identifier.rpartition("/")[2].lower() for identifier in self._identifiers()]
        variants = [identifier.partition("/")[2] for identifier in self._identifiers(b"variant")]
        usable = [voice for voice in voices if self._library.espeak_SetVoiceByName(voice.encode()) == 0]
        return {"voices": usable, "variants": variants}

    def _identifiers(self, language: bytes | None = None) -> list[str]:
        wanted = ctypes.byref(_Voice(languages=language)) if language else None
        listed = self._library.espeak_ListVoices(wanted)
        identifiers: list[str] = []
        while listed[len(identifiers)]:
            identifiers.append(listed[len(identifiers)].contents.identifier.decode())
        return identifiers


# --- frames: four bytes of length, then the data


def write_frame(pipe: IO[bytes], data: bytes) -> None:
    pipe.write(struct.pack(">I", len(data)))
    pipe.write(data)
    pipe.flush()


def read_frame(pipe: IO[bytes]) -> bytes | None:
    """None at the end, also in the middle of a frame."""
    header = pipe.read(4)
    if len(header) < 4:
        return None
    (length,) = struct.unpack(">I", header)
    data = pipe.read(length)
    return data if len(data) == length else None


def serve(speak: Callable[..., bytes], requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer each request, the arguments of `speak` as a JSON object, until the requests end."""
    while (request := read_frame(requests)) is not None:
        try:
            answer = DONE + run_forked(partial(speak, **json.loads(request)), _TIMEOUT)
        except ChildFailed as error:
            answer = reason(error.__cause__ or error)
        except OSError as error:  # no child could be made
            answer = reason(error)
        write_frame(answers, answer)


def main(library: str, data: str, voice: str = "") -> None:
    """Serve requests with one voice; without one, answer once with the names of all."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks decides: the end of the requests ends this process
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the library prints is no answer
    try:
        engine = Engine(library, data)
        if not voice:
            write_frame(answers, DONE + json.dumps(engine.names()).encode())
            return
        engine.set_voice(voice)
    except Exception as error:  # noqa: BLE001  it travels to whoever started this process
        write_frame(answers, reason(error))
        return
    write_frame(answers, DONE + str(engine.rate).encode())
    serve(engine.answer, sys.stdin.buffer, answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
