"""The espeak-ng library, loaded into this process from PyPI's espeakng-loader.

One process that speaks twice gives other samples the second time. So the library is initialised once, this process
never speaks, and each utterance is spoken by a child forked from that unused state. The noise of breathy voices comes
from a generator that starts with the clock, so it is seeded as well: same text, same bytes, in every process.
"""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from converters.text_to_speech.forked import run_forked
from safebench.errors import BadInput, unknown

# from espeak-ng's speak_lib.h
_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000  # report missing data instead of ending the process
_CHARACTERS = 1  # position type
_UTF8 = 1
PARAMETERS = {"words_per_minute": 1, "pitch": 3}

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


class EspeakLibrary:
    """espeak-ng, initialised and unused. Raises BadInput when it cannot be started."""

    def __init__(self) -> None:
        import espeakng_loader

        data = espeakng_loader.get_data_path()
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self.rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), _DONT_EXIT)  # Hz
        if self.rate <= 0:
            raise BadInput(f"espeak-ng cannot use its data in {data!r} (it takes no path beyond 150 characters)")

    def speak(self, text: str, voice: str, parameters: Mapping[str, int]) -> bytes:
        """16-bit mono PCM at `rate`. Raises ChildFailed."""
        return run_forked(lambda: self._speak(text, voice, parameters), _TIMEOUT)

    def voices(self) -> dict[str, list[str]]:
        """Names of `voices` and of `variants`, as they are joined in `en-us+f5`. Raises ChildFailed."""
        found: dict[str, list[str]] = json.loads(run_forked(self._list, _TIMEOUT))
        return found

    # --- in the child

    def _speak(self, text: str, voice: str, parameters: Mapping[str, int]) -> bytes:
        chunks: list[bytes] = []

        def keep(samples: Any, count: int, _events: Any) -> int:
            if samples and count > 0:
                chunks.append(ctypes.string_at(samples, 2 * count))
            return 0

        callback = _Callback(keep)  # held here: the library keeps no reference
        self._library.espeak_SetSynthCallback(callback)
        self._call("SetVoiceByName", voice.encode())
        for name, value in parameters.items():
            self._call("SetParameter", PARAMETERS[name], value, 0)
        self._call("ng_SetRandSeed", ctypes.c_long(_SEED))
        raw = text.encode() + b"\0"
        self._call("Synth", raw, ctypes.c_size_t(len(raw)), 0, _CHARACTERS, 0, _UTF8, None, None)
        self._call("Synchronize")
        return b"".join(chunks)

    def _call(self, function: str, *arguments: Any) -> None:
        status = self._library[f"espeak_{function}"](*arguments)
        if status != 0:
            raise RuntimeError(f"espeak_{function} failed with status {status}")

    def _list(self) -> bytes:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # it complains of dictionaries that its wheel lacks
        voices = [identifier.rpartition("/")[2].lower() for identifier in self._identifiers()]
        variants = [identifier.partition("/")[2] for identifier in self._identifiers(b"variant")]
        usable = [voice for voice in voices if self._library.espeak_SetVoiceByName(voice.encode()) == 0]
        return json.dumps({"voices": usable, "variants": variants}).encode()

    def _identifiers(self, language: bytes | None = None) -> list[str]:
        wanted = ctypes.byref(_Voice(languages=language)) if language else None
        listed = self._library.espeak_ListVoices(wanted)
        identifiers: list[str] = []
        while listed[len(identifiers)]:
            identifiers.append(listed[len(identifiers)].contents.identifier.decode())
        return identifiers


@cache
def espeak_library() -> EspeakLibrary:
    """The one of this process: the library's state is global."""
    return EspeakLibrary()


@cache
def check_voice(voice: str) -> None:
    """Raises BadInput for a voice or variant that espeak-ng does not have: it would quietly speak with another one."""
    known = espeak_library().voices()
    base, plus, variant = voice.partition("+")
    if base.lower() not in known["voices"]:
        raise unknown("espeak-ng voice", base, known["voices"], f"voice {voice!r}")
    if plus and variant not in known["variants"]:
        raise unknown("espeak-ng voice variant", variant, known["variants"], f"voice {voice!r}")
