"""Starts a process that speaks and puts requests to it."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import IO, Any

from converters.text_to_speech.espeak_engine import read_frame, write_frame
from converters.text_to_speech.forked import DONE, ChildFailed, raise_reason
from safebench.errors import BadInput, raise_of_the_system, unknown

_ROOT = Path(__file__).resolve().parents[2]  # where the package `converters` lies


class EspeakClient:
    """A process with one voice; it starts with the first request, again after it died, and ends with this one."""

    rate = 0  # Hz, known from the first answer on

    def __init__(self, voice: str) -> None:
        self._voice = voice
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()
        atexit.register(self.close)

    def speak(self, text: str, parameters: Mapping[str, int]) -> bytes:
        """16-bit mono PCM at `rate`. Raises ChildFailed, and BadInput when the engine does not start."""
        return self._ask({"text": text, "parameters": dict(parameters)})

    def phonemes(self, clauses: Sequence[str]) -> list[str]:
        """The sounds of each clause in IPA. Raises as `speak` does."""
        sounds: list[str] = json.loads(self._ask({"clauses": list(clauses)}))
        return sounds

    def _ask(self, request: Mapping[str, Any]) -> bytes:
        with self._lock:
            try:
                return self._exchange(json.dumps(request).encode())
            except ChildFailed:
                raise
            except BaseException:  # interrupted in the middle: the next answer would be this one's
                self.close()
                raise

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _exchange(self, request: bytes) -> bytes:
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):  # it has ended, and the answer will say so
            write_frame(process.stdin, request)
        try:
            return _answer(process.stdout)
        except EOFError as error:
            self.close()
            raise ChildFailed(f"its process ended with exit status {process.returncode}") from error

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            process = self._process = _start(self._voice)
            assert process.stdout is not None
            self.rate = int(_first_answer(process.stdout))
        return self._process


def _start(*voice: str) -> subprocess.Popen[bytes]:
    import espeakng_loader

    command = [sys.executable, "-S", "-m", "converters.text_to_speech.espeak_engine"]
    arguments = [espeakng_loader.get_library_path(), espeakng_loader.get_data_path(), *voice]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    return subprocess.Popen(command + arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def _answer(pipe: IO[bytes]) -> bytes:
    """Raises ChildFailed for a failure that was told, and EOFError when nothing was."""
    answer = read_frame(pipe)
    if answer is None:
        raise EOFError("it ended without an answer")
    if answer[:1] != DONE:
        raise_reason(answer)
    return answer[1:]


def _first_answer(pipe: IO[bytes]) -> bytes:
    try:
        return _answer(pipe)
    except (ChildFailed, EOFError) as error:
        raise_of_the_system(error)
        raise BadInput(f"espeak-ng could not be started: {error}") from error


@cache
def _client(voice: str, _process: int) -> EspeakClient:
    return EspeakClient(voice)


def espeak_client(voice: str) -> EspeakClient:
    """The one of this voice and process; a fork of it gets its own, as two cannot share a pipe."""
    return _client(voice, os.getpid())


@cache
def voice_names() -> dict[str, list[str]]:
    """Names of `voices` and of `variants`, as they are joined in `en-us+f5`."""
    process = _start()
    with process:
        assert process.stdout is not None
        names: dict[str, list[str]] = json.loads(_first_answer(process.stdout))
    return names


def check_voice(voice: str) -> None:
    """Raises BadInput for a voice or variant that espeak-ng does not have: it would quietly speak with another one."""
    known = voice_names()
    base, plus, variant = voice.partition("+")
    if base.lower() not in known["voices"]:
        raise unknown("espeak-ng voice", base, known["voices"], f"voice {voice!r}")
    if plus and variant not in known["variants"]:
        raise unknown("espeak-ng voice variant", variant, known["variants"], f"voice {voice!r}")
