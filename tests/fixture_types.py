"""What the shared fixtures give, to annotate tests with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from safebench.testing.server import Call, Reply, ScriptedServer

Serve = Callable[[Callable[[Call], Reply]], ScriptedServer]  # starts a scripted server, which ends with the test
WriteJsonl = Callable[..., Path]  # rows to a file in the test's folder, by another name than queries.jsonl if wanted
