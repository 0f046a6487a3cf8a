"""Speech: synthesised and written to a file, by espeak-ng and by Piper.

    python benchmarks/speech.py VARIANT [--size 200]

| variant | what speaks |
| --- | --- |
| ours | our engine, as the converter asks it, and the file: the same text gives the same bytes |
| finished | the whole converter and the file: at 16 kHz, -23 LUFS, its true peak limited, with even margins |
| process | `espeak-ng -w FILE`, one process for each clip, as scripts do; the program has to be on the PATH |
| binding | the loop over the library of `espeakng-loader` in this process: the second clip depends on the first |
| workers-1, workers-2 | a run's stage *render* with one or two worker processes, as the recipe says |
| neural | as `finished`, by Piper's voice joe; `audio_seconds` is how long its clips last |
| neural-1, neural-2 | as `workers-1` and `workers-2`, by that voice |

Ratios of clips/s and their goals: ours/process >= 1.4, ours/binding >= 0.6, workers-2/workers-1 >= 1.7; finished/ours
tells what the standard costs, and neural has to be 10 x real time. Smoke: --size 6. Needs the extra `embedded`, and for
`neural` `piper` and `weights`. Those that speak in turn speak the first text again at the end, and fail when the bytes
differ.
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measuring import arguments, measuring, sentences

from modalities.audio.decoding import duration

VOICE, PACE = "en-us+f5", 150  # of the recipe audio.us-female
Speak = Callable[[int, str], Any]


def ours(folder: Path) -> Speak:
    from converters.text_to_speech.espeak_client import espeak_client

    client = espeak_client(VOICE)

    def speak(number: int, text: str) -> bytes:
        pcm = client.speak(text, {"words_per_minute": PACE, "pitch": 50})
        write(folder / f"{number}.wav", pcm, client.rate)
        return pcm

    return speak


def write(path: Path, pcm: bytes, rate: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(pcm)


def finished(folder: Path, engine: str = "espeak", **options: object) -> Speak:
    from safebench import registry
    from safebench.plugins import Converter, Work
    from safebench.store.store import Store
    from safebench.types import Media, Query

    store = Store(folder)
    options = options or {"voice": VOICE, "words_per_minute": PACE}
    converter = registry.create(Converter, engine, "benchmark", **options)

    def speak(number: int, text: str) -> Media:
        return store.keep(converter.convert(Work(Query(f"q{number}", text), text)))

    return speak


def process(folder: Path) -> Speak:
    def speak(number: int, text: str) -> None:
        command = ["espeak-ng", "-v", VOICE, "-s", str(PACE), "-w", str(folder / f"{number}.wav"), "--", text]
        subprocess.run(command, check=True)

    return speak


def binding(folder: Path) -> Speak:
    """As small as a loop over the library can be."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0)
    library.espeak_SetVoiceByName(VOICE.encode())
    library.espeak_SetParameter(1, PACE, 0)
    heard: list[bytes] = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    def keep(samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            heard.append(ctypes.string_at(samples, 2 * count))
        return 0

    library.espeak_SetSynthCallback(keep)

    def speak(number: int, text: str, _held: Any = keep) -> None:
        heard.clear()
        raw = text.encode() + b"\0"
        library.espeak_Synth(raw, ctypes.c_size_t(len(raw)), 0, 1, 0, 1, None, None)
        library.espeak_Synchronize()
        write(folder / f"{number}.wav", b"".join(heard), rate)

    return speak


def neural(folder: Path) -> Speak:
    return finished(folder, "piper", voice="en_US-joe-medium")


SPEAK: dict[str, Callable[[Path], Speak]] = {
    "ours": ours,
    "finished": finished,
    "process": process,
    "binding": binding,
    "neural": neural,
}
WORKERS = {"workers": "us-female", "neural": "joe"}  # by which voice


def in_turn(folder: Path, variant: str, texts: list[str]) -> None:
    speak = SPEAK[variant](folder)
    first = speak(0, texts[0])
    with measuring(len(texts) - 1) as more:
        made = [speak(number, text) for number, text in enumerate(texts[1:], 1)]
        if variant == "neural":
            more["audio_seconds"] = sum(filter(None, map(duration, made)))
    if speak(0, texts[0]) != first:
        raise ValueError("the same text gave other bytes")


def main() -> None:
    in_workers_too = [f"{kind}-{count}" for kind in WORKERS for count in (1, 2)]
    options = arguments(__doc__, [*SPEAK, *in_workers_too], 200).parse_args()
    texts = sentences(options.size + 1)
    with tempfile.TemporaryDirectory() as place:
        kind, _, count = options.variant.partition("-")
        if count:
            from rendered import in_workers

            in_workers(Path(place), ("audio", WORKERS[kind]), int(count), texts, check=False)
        else:
            in_turn(Path(place), options.variant, texts)


if __name__ == "__main__":
    main()
