from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from safebench.testing.server import Call, Reply, ScriptedServer
from tests.end_to_end.scripted import JUROR, answer


@pytest.fixture
def world(serve: Callable[[Callable[[Call], Reply]], ScriptedServer]) -> ScriptedServer:
    return serve(answer)


@pytest.fixture
def jury_file(tmp_path: Path, world: ScriptedServer) -> Path:
    path = tmp_path / "jury.toml"
    juror = f'[[jurors]]\nmodel = "openai:{JUROR}"\nbase_url = "{world.url}"\n'
    path.write_text("[protocol]\nrounds = 1\n" + 3 * juror, encoding="utf-8")
    return path
