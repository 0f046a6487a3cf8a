"""How long the journeys of a newcomer take: each page's commands as they stand, in an empty directory, after the wheel
was installed into an empty environment.

    python -m benchmarks.journeys WHEEL            # writes the times into the pages
    python -m benchmarks.journeys --show NAME      # the commands of a journey alone, for tests/wheel.sh

The endpoint is the scripted one of the tests, which answers at once: what a real one takes comes on top.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.measured import ROOT
from benchmarks.trust.seeing import KNOWN
from safebench.testing.server import ScriptedServer
from tests.test_docs import answer, write_known

JOURNEYS = ("start-convert", "start-test", "start-modality")
COMMANDS = re.compile(r"```sh\n(.*?)```", re.DOTALL)
INSTALL = "-py3-none-any.whl"
TIME = re.compile(r"(?:Measured: [^<]*)?<!-- time -->")


def page(journey: str) -> Path:
    return ROOT / "docs" / f"{journey}.md"


def commands(journey: str) -> str:
    """Without those that install SafeBench."""
    return "".join(
        block for block in COMMANDS.findall(page(journey).read_text(encoding="utf-8")) if INSTALL not in block
    )


def main(wheel: Path) -> None:
    with tempfile.TemporaryDirectory() as name, ScriptedServer(answer) as server:
        place = Path(name)
        write_known(place / "known.json")
        os.environ[KNOWN] = str(place / "known.json")  # of the endpoint, which is in this process
        environment = os.environ | {
            "PATH": f"{place / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PIP_CONSTRAINT": str(ROOT / "constraints.txt"),
            "PYTHONPATH": str(ROOT),  # of the scripted endpoint's ears
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": server.url,
        }
        pip = f"{place}/venv/bin/pip install -q '{wheel.resolve()}[embedded,pages]'"
        installing = typed(f"python3 -m venv {place}/venv && {pip}", place, environment)
        for journey, seconds in _times(place, environment):
            write(journey, installing, seconds)


def _times(place: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    for journey in JOURNEYS:
        folder = place / journey
        folder.mkdir()
        yield journey, typed(commands(journey), folder, environment)


def typed(script: str, folder: Path, environment: Mapping[str, str]) -> float:
    """Seconds; a command that fails ends all."""
    began = time.monotonic()
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=environment, check=True)
    return time.monotonic() - began


def write(journey: str, installing: float, seconds: float) -> None:
    said = f"Measured: {minutes(installing + seconds)} with its commands alone, of which {minutes(installing)} install."
    text = TIME.sub(f"{said} <!-- time -->", page(journey).read_text(encoding="utf-8"))
    page(journey).write_text(text, encoding="utf-8")


def minutes(seconds: float) -> str:
    return f"{int(seconds) // 60} min {int(seconds) % 60} s" if seconds >= 60 else f"{seconds:.0f} s"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path, nargs="?")
    parser.add_argument("--show", choices=JOURNEYS)
    given = parser.parse_args()
    if given.show:
        sys.stdout.write(commands(given.show))
    else:
        main(given.wheel)
