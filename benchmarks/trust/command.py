"""One command of the product in a process of its own that has imported it already: imports are half of a short run.

The processes are forked by a server that imports this module and nothing else; see `Runner`.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import types
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path

import jinja2  # noqa: F401  what commands import when they are called
import pyarrow.parquet  # noqa: F401
import scipy.optimize
import scipy.sparse.csgraph
import scipy.special  # noqa: F401
import vl_convert  # noqa: F401

import safebench.reports.report
import safebench.runs.run  # noqa: F401
from safebench.cli.main import run_command

LIMIT = 300  # s


def server() -> ForkServerContext:
    """Consoles are made when they are imported, so this is where they learn that nobody sees colours."""
    os.environ.update(COLUMNS="200", TERM="dumb")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def run(context: ForkServerContext, told: Sequence[str], place: Path, environment: Mapping[str, str], log: Path) -> int:
    """The exit status; `log` gets what it printed. Raises TimeoutError after LIMIT."""
    process = context.Process(target=_run, args=(list(told), place, dict(environment), log))
    process.start()
    process.join(LIMIT)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(" ".join(told))
    return process.exitcode


def _run(told: list[str], place: Path, environment: Mapping[str, str], log: Path) -> None:
    sys.modules["__main__"] = types.ModuleType("__main__")  # which processes that render would import once more
    os.environ.update(environment)
    os.chdir(place)
    with log.open("wb", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    status = run_command(told)
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(status)
