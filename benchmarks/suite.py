"""What is measured: which scripts with which variants, and what is wanted of them. `python -m benchmarks` runs it.

A script is `benchmarks/NAME.py VARIANT [--size N]`. It measures one variant in a process of its own and prints a line
of JSON at its end: `items`, `seconds`, `cpu_seconds`, and more where it has more (see measuring.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Environment = Literal["product", "local", "inspect", "pyrit", "ray", "vllm"]
Result = Mapping[str, float]  # what a script printed


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that is made of a result, and how it is written."""

    name: str
    of: Callable[[Result], float]
    digits: int = 1


CPU = Figure("CPU, ms each", lambda result: 1000 * result["cpu_seconds"] / result["items"], 2)
EACH = Figure("µs each", lambda result: 1e6 * result["seconds"] / result["items"])
RATE = Figure("a second", lambda result: result["items"] / result["seconds"])
REAL_TIME = Figure("× real time, one core", lambda result: result["audio_seconds"] / result["cpu_seconds"])
CORES = Figure("core s", lambda result: result["seconds"] * result["cores"], 1)
SECONDS = Figure("s", lambda result: result["seconds"], 2)
IDEAL = Figure("× ideal", lambda result: result["times_ideal"], 2)
USED = Figure("used of what is allowed, %", lambda result: 100 * result["used"])
REFUSED = Figure("refused, %", lambda result: 100 * result["refused"])
LOST = Figure("given up", lambda result: result["lost"], 0)
PEAK = Figure("peak, MiB", lambda result: result["peak_mib"], 0)
HELD = Figure("holds, MiB", lambda result: result["peak_mib"], 0)  # packages and all
OPENED = Figure("opened in, s", lambda result: result["open_s"], 2)
WRITTEN = Figure("written in, s", lambda result: result["write_s"], 2)
SEARCHED = Figure("searched in, s", lambda result: result["search_s"], 2)
FRAMES = Figure("frames a second, scrolled", lambda result: result["frames"])
GROWN = Figure("grown by, MiB", lambda result: result["peak_mib"] - result["start_mib"], 0)


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to do the work, by the environment in which it runs."""

    name: str
    way: str  # how the script does it
    environment: Environment = "product"
    size: int | None = None  # the script's own when not given
    arguments: tuple[str, ...] = ()
    repetitions: int | None = None  # fewer than the others have
    program: str | None = None  # that has to be on the PATH
    weights: tuple[str, ...] = ()  # of these plug-ins, which have to be installed


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure of one variant, or its ratio to that of another one, is at least or at most so much."""

    what: str
    figure: Figure
    of: str
    limit: float
    over: str | None = None
    at_least: bool = False
    within: float | None = None  # instead of a side: at most so far from the limit

    @property
    def bound(self) -> str:
        if self.within is not None:
            return f"{self.limit:g} ± {self.within:g}"
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"

    def missed_by(self, value: float) -> float:
        """How far a value is from the goal; 0 where it holds."""
        if self.within is not None:
            return max(0.0, abs(value - self.limit) - self.within)
        return max(0.0, self.limit - value if self.at_least else value - self.limit)


@dataclass(frozen=True, slots=True)
class Benchmark:
    name: str
    title: str
    script: str
    variants: tuple[Variant, ...]
    figures: tuple[Figure, ...]
    goals: tuple[Goal, ...] = ()
    smoke: int | None = None  # the size that does for a look whether it works; None where another one shows it
    repetitions: int = 3
    about: str = ""
    growing: tuple[str, ...] = ()  # ways, each with a variant `WAY, SIZE items` for each of SIZES


SIZES = (1000, 10_000, 100_000)


def _asked(job: str, size: int, small: int, *more: Variant) -> tuple[Variant, ...]:
    job_option = ("--job", job)
    ours = Variant("SafeBench", "safebench", size=size, arguments=job_option)
    bare = Variant("`openai` client", "openai", size=size, arguments=job_option)
    return ours, bare, *more, Variant("inspect_ai", "inspect", "inspect", small, job_option)


def _calls(job: str, what: str, size: int, small: int, limit: float, *more: Variant) -> Benchmark:
    """`limit`: of the ratio to the bare client."""
    ours, bare, inspect = "SafeBench", "`openai` client", "inspect_ai"
    goals = [
        Goal(f"CPU per call, {what}: SafeBench / client", CPU, ours, limit, bare),
        Goal(f"CPU per call, {what}: SafeBench / inspect_ai", CPU, ours, 0.25, inspect),
    ]
    if AIOHTTP in (one.name for one in more):
        goals.append(Goal(f"CPU per call, {what}: SafeBench / aiohttp, which keeps nothing", CPU, ours, 1.8, AIOHTTP))
    variants = _asked(job, size, small, *more)
    return Benchmark(f"calls-{job}", f"Calls: {what}", "calls", variants, (CPU, PEAK), tuple(goals), smoke=3)


AIOHTTP = "aiohttp alone"
_OTHERS = tuple(
    Variant(name, way, size=300, arguments=("--job", "jury"))
    for name, way in (("`openai` client, default transport", "openai-default"), (AIOHTTP, "aiohttp"))
)


def _wall(milliseconds: int, limit: float | None) -> Benchmark:
    """Without a limit it is only told."""
    latency = ("--latency", str(milliseconds / 1000))
    variants = (
        Variant("SafeBench", "safebench", size=1000, arguments=latency),
        Variant("inspect_ai, 200 items", "inspect", "inspect", 200, latency, 1),
    )
    what, title = f"wall clock, 1,000 items × 6 calls at {milliseconds} ms, × ideal", f"Wall clock at {milliseconds} ms"
    goals = () if limit is None else (Goal(what, IDEAL, "SafeBench", limit),)
    return Benchmark(f"wall-{milliseconds}", title, "calls", variants, (SECONDS, IDEAL), goals, repetitions=2)


def _paced(endpoint: str) -> tuple[tuple[Variant, ...], tuple[Goal, ...]]:
    ways = ("auto", "16", "64")
    variants = tuple(Variant(f"{endpoint}, {way}", endpoint, arguments=("--concurrency", way)) for way in ways)
    goals = (
        Goal(f"calls at once found out, `{endpoint}`: used, %", USED, f"{endpoint}, auto", 90, at_least=True),
        Goal(f"calls at once found out, `{endpoint}`: refused, %", REFUSED, f"{endpoint}, auto", 2),
    )
    return variants, goals


_PACED = [_paced(endpoint) for endpoint in ("requests", "few", "many", "tokens", "lowered", "at-once", "capacity")]
_GROWING = ("run", "resume", "report")
_UNEVEN = ("--model", "uneven", "--tokens", "128")
_CLIPS = ("--job", "audio", "--latency", "0.25")

SUITE = (
    _calls("text", "text", 1000, 150, 1.25),
    _calls("image", "60 KB PNG", 600, 100, 1.25),
    _calls("audio", "150 KB WAV", 600, 100, 0.7),
    _calls("jury", "target and five jurors", 300, 50, 1.25, *_OTHERS),
    _wall(500, 1.10),
    _wall(50, 1.10),
    _wall(5, None),
    Benchmark(
        "paced",
        "Calls at once: found out (`auto`), or a number",
        "paced",
        tuple(variant for variants, _ in _PACED for variant in variants),
        (USED, REFUSED, LOST),
        tuple(goal for _, goals in _PACED for goal in goals),
        repetitions=1,
        about="Five minutes at endpoints with a limit that is not told, simulated: `benchmarks/paced.py` has them.",
    ),
    Benchmark(
        "memory",
        "Memory: 64 calls of 150 KB audio in flight",
        "calls",
        (
            Variant("500 items", "safebench", size=500, arguments=_CLIPS),
            Variant("20,000 items", "safebench", size=20_000, arguments=_CLIPS, repetitions=1),
            Variant("`openai` client, 500 items", "openai", size=500, arguments=_CLIPS),
        ),
        (PEAK,),
        (
            Goal("peak memory above the imports, 64 clips in flight, MiB", PEAK, "20,000 items", 110),
            Goal("peak memory, 20,000 items / 500 items", PEAK, "20,000 items", 1, "500 items", within=0.05),
        ),
    ),
    Benchmark(
        "typographic",
        "Pictures of text, 512×512",
        "typographic",
        (
            Variant("SafeBench", "ours"),
            Variant("bare Pillow loop", "pillow"),
            Variant("bare Pillow loop, default compression", "pillow-default"),
            Variant("PyRIT", "pyrit", "pyrit"),
            Variant("PyRIT, fitted", "pyrit-fitted", "pyrit"),
            Variant("1 worker, with OCR", "workers-1", size=24),
            Variant("2 workers, with OCR", "workers-2", size=24),
            *(Variant(f"layout {name}", name) for name in ("figstep", "chat", "banner")),
            Variant("read back by OCR", "read", size=16),
            Variant("checked by OCR", "checked", size=32),
        ),
        (RATE,),
        (
            Goal("typographic: SafeBench / PyRIT", RATE, "SafeBench", 2.5, "PyRIT", at_least=True),
            Goal("typographic: SafeBench / bare Pillow", RATE, "SafeBench", 0.8, "bare Pillow loop", at_least=True),
            Goal(
                "typographic, with OCR: 2 workers / 1",
                RATE,
                "2 workers, with OCR",
                1.7,
                "1 worker, with OCR",
                at_least=True,
            ),
            Goal("typographic: checked / read back", RATE, "checked by OCR", 3, "read back by OCR", at_least=True),
        ),
        smoke=8,
    ),
    Benchmark(
        "speech",
        "Speech by espeak-ng",
        "speech",
        (
            Variant("SafeBench, engine and file", "ours"),
            Variant("SafeBench, with loudness and margins", "finished"),
            Variant("`espeak-ng`, a process a clip", "process", program="espeak-ng"),
            Variant("library in process, not reproducible", "binding"),
            Variant("1 worker", "workers-1"),
            Variant("2 workers", "workers-2"),
        ),
        (RATE,),
        (
            Goal(
                "speech: SafeBench / a process a clip",
                RATE,
                "SafeBench, engine and file",
                1.4,
                "`espeak-ng`, a process a clip",
                at_least=True,
            ),
            Goal(
                "speech: SafeBench / library in process",
                RATE,
                "SafeBench, engine and file",
                0.6,
                "library in process, not reproducible",
                at_least=True,
            ),
            Goal("speech: 2 workers / 1", RATE, "2 workers", 1.7, "1 worker", at_least=True),
        ),
        smoke=6,
    ),
    Benchmark(
        "neural",
        "Neural speech by Piper",
        "speech",
        (Variant("SafeBench, with loudness and margins", "neural", size=20, weights=("piper",)),),
        (REAL_TIME, RATE),
        (
            Goal(
                "neural speech, × real time on one core",
                REAL_TIME,
                "SafeBench, with loudness and margins",
                10,
                at_least=True,
            ),
        ),
        smoke=2,
    ),
    Benchmark(
        "neural-workers",
        "Neural speech by a run's workers",
        "speech",
        tuple(
            Variant(f"{name}", f"neural-{count}", size=32, weights=("piper",))
            for count, name in ((1, "1 worker"), (2, "2 workers"))
        ),
        (RATE,),
        (Goal("neural speech: 2 workers / 1", RATE, "2 workers", 1.7, "1 worker", at_least=True),),
        smoke=6,
    ),
    Benchmark(
        "convert",
        "A conversion: a picture and two neural voices of each query, read and heard back",
        "conversion",
        tuple(
            Variant(name, way, weights=("piper", "kokoro", "faster-whisper"))
            for name, way in (("SafeBench, 2 workers", "convert"), ("its parts, one after the other", "parts"))
        ),
        (CORES,),
        (Goal("conversion / its parts", CORES, "SafeBench, 2 workers", 1.15, "its parts, one after the other"),),
        smoke=2,
        repetitions=1,
        about="Of 12 queries, so that loading the engines twice is a tenth of it; of 2,300 it is nothing.",
    ),
    Benchmark(
        "hearing",
        "Hearing by Whisper tiny.en",
        "hearing",
        (Variant("SafeBench", "ours", weights=("piper", "faster-whisper")),),
        (REAL_TIME, RATE),
        (Goal("hearing, × real time on one core", REAL_TIME, "SafeBench", 12, at_least=True),),
        smoke=2,
    ),
    Benchmark(
        "store",
        "Store",
        "store",
        (Variant("SafeBench", "ours"), Variant("sqlite3 alone", "sqlite")),
        (EACH,),
        (Goal("store, µs a row", EACH, "SafeBench", 40),),
        smoke=20,
    ),
    Benchmark(
        "merging",
        "Shards of 1,000 items put together",
        "merging",
        tuple(Variant(f"{size} shards", "merge", size=size) for size in (10, 100)),
        (SECONDS, GROWN),
        (Goal("100 shards of 1,000 items merged, s", SECONDS, "100 shards", 60),),
        smoke=2,
        repetitions=1,
    ),
    Benchmark(
        "on-ray",
        "2,000 items plainly, and as 8 shards on a Ray of this machine",
        "on_ray",
        (Variant("plainly", "plain", "ray"), Variant("on Ray", "ray", "ray")),
        (SECONDS, CPU),
        (Goal("2,000 items as shards on Ray / plainly", SECONDS, "on Ray", 1.15, "plainly"),),
        smoke=16,
        repetitions=1,
    ),
    Benchmark(
        "help",
        "`--help`",
        "help",
        (Variant("safebench --help", "ours"), Variant("inspect --help", "inspect", "inspect")),
        (SECONDS,),
        (Goal("`--help`: SafeBench / inspect", SECONDS, "safebench --help", 0.25, "inspect --help"),),
        smoke=1,
        about="Five starts, one after the other.",
    ),
    Benchmark(
        "growth",
        "A run of 100,000 items, its continuation and its report; a million queries",
        "growth",
        (
            *(Variant(f"{way}, {size:,} items", way, size=size) for way in _GROWING for size in SIZES),
            Variant("plan, a million items", "plan", size=1_000_000),
        ),
        (SECONDS, GROWN, HELD),
        (
            Goal("resume of 100,000 finished items, s", SECONDS, "resume, 100,000 items", 5),
            Goal("report of 100,000 items, s", SECONDS, "report, 100,000 items", 5),
            Goal(
                "memory of a run, 10,000 items / 1,000", HELD, "run, 10,000 items", 1, "run, 1,000 items", within=0.05
            ),
            Goal("memory of a million queries, MiB (400 MB)", HELD, "plan, a million items", 381),
        ),
        smoke=50,
        repetitions=1,
        growing=_GROWING,
    ),
    Benchmark(
        "page",
        "The page of a run of 100,000 items, in a browser",
        "page_scale",
        (Variant("SafeBench", "page", program="chromium"),),
        (OPENED, FRAMES, SEARCHED, WRITTEN),
        (
            Goal("page of 100,000 items: opened in the browser, s", OPENED, "SafeBench", 1.5),
            Goal("page of 100,000 items: frames a second", FRAMES, "SafeBench", 59, at_least=True),
        ),
        smoke=200,
        repetitions=1,
    ),
    Benchmark(
        "data",
        "A data set of 20,000 queries",
        "data_scale",
        tuple(Variant(name, name, size=20_000) for name in ("import", "check", "deduplicate", "export", "load")),
        (SECONDS, PEAK),
        smoke=200,
        repetitions=1,
    ),
    Benchmark(
        "local-chat",
        "A local chat model in batches (a tiny one, on the CPU)",
        "local_chat",
        (
            Variant("SafeBench", "ours", "local"),
            Variant("one after the other", "one-by-one", "local"),
            Variant("`generate` on ideal batches", "ideal", "local"),
        ),
        (RATE,),
        (
            Goal(
                "tiny local chat model: SafeBench / ideal batches",
                RATE,
                "SafeBench",
                0.9,
                "`generate` on ideal batches",
                at_least=True,
            ),
            Goal(
                "tiny local chat model: batches / one by one",
                RATE,
                "SafeBench",
                10,
                "one after the other",
                at_least=True,
            ),
        ),
        smoke=4,
    ),
    Benchmark(
        "local-chat-uneven",
        "A local chat model whose answers end at very different lengths (a tiny one, on the CPU, 32 at once)",
        "local_chat",
        (
            Variant("SafeBench", "ours", "local", 128, _UNEVEN),
            Variant("`generate` on ideal batches", "ideal", "local", 128, _UNEVEN),
            Variant("transformers' continuous batching", "continuous", "local", 128, _UNEVEN),
            Variant("vLLM", "vllm", "vllm", 128, _UNEVEN),
        ),
        (RATE, CPU),
        (
            Goal(
                "local chat model, uneven answers: SafeBench / ideal batches",
                RATE,
                "SafeBench",
                0.9,
                "`generate` on ideal batches",
                at_least=True,
            ),
        ),
        smoke=4,
        about="Ideal batches hold answers of like length, which nobody knows beforehand.",
    ),
    Benchmark(
        "diffusion",
        "Generated pictures (a tiny pipeline, on the CPU)",
        "diffusion_batches",
        (
            Variant("SafeBench, batches of 8", "batches", "local"),
            Variant("SafeBench, one by one", "singles", "local"),
            Variant("loop over diffusers", "loop", "local"),
            Variant("the pipeline's own batches of 8", "pipeline", "local"),
        ),
        (RATE,),
        (
            Goal(
                "generated pictures, batches: SafeBench / the pipeline's own",
                RATE,
                "SafeBench, batches of 8",
                0.95,
                "the pipeline's own batches of 8",
                at_least=True,
            ),
        ),
        smoke=2,
        about="A CPU has no idle units that a batch could use: batches are for GPUs, and no figure of one is here yet.",
    ),
)
