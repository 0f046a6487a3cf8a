"""An image endpoint that was down for a while: `--retry-failed` draws what is missing, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from safebench.cli.main import run_command
from safebench.store.store import Store
from safebench.testing.server import Call, Reply, ScriptedServer, error, image
from tests.converters.text_to_image.drawn import picture
from tests.end_to_end.scripted import answer
from tests.fixture_types import Serve, WriteJsonl

ROWS = [{"id": f"q{n}", "query": f"say vote unsafe 1 number {n}"} for n in range(3)]


class Painter:
    """An image endpoint that was down for all but one query, and a model with its jury."""

    def __init__(self) -> None:
        self.drawn: list[str] = []
        self.is_down = True

    def __call__(self, call: Call) -> Reply:
        if not call.path.endswith("/images/generations"):
            return answer(call)
        self.drawn.append(str(call.body["prompt"]))
        return error(503) if self.is_down and "number 1" not in self.drawn[-1] else image(picture("red"))


@pytest.fixture
def painter() -> Painter:
    return Painter()


@pytest.fixture
def server(
    serve: Serve,
    painter: Painter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> ScriptedServer:
    server = serve(painter)
    monkeypatch.chdir(tmp_path)
    Path("recipes.toml").write_text(
        f"""
        [image.drawn]
        [[image.drawn.steps]]
        use = "openai-images"
        model = "painter"
        base_url = "{server.url}"
        retries = 0
        """,
        encoding="utf-8",
    )
    return server


def test_renderings_of_an_endpoint_that_was_down_are_made_later(
    server: ScriptedServer, painter: Painter, jury_file: Path, write_jsonl: WriteJsonl
) -> None:
    typed = [
        "run", "--data", str(write_jsonl(ROWS)), "-c", "image+text:drawn", "--recipes", "recipes.toml",
        "--target", "openai:tested", "--base-url", server.url, "--jury", str(jury_file), "--no-preflight",
        "--check-share", "0", "--workers", "1", "--max-open", "1", "--out", "run", "--allow-unproven",
    ]  # fmt: skip
    assert run_command(typed) == 0
    assert outcomes() == {"not_rendered": 2, "unsafe": 1}
    painter.is_down = False
    painter.drawn.clear()
    assert run_command(typed) == 0
    assert painter.drawn == []
    assert run_command([*typed, "--retry-failed"]) == 0
    assert sorted(painter.drawn) == [ROWS[0]["query"], ROWS[2]["query"]]
    assert outcomes() == {"unsafe": 3}


def test_a_conversion_renders_what_failed_once_more(
    server: ScriptedServer, painter: Painter, write_jsonl: WriteJsonl
) -> None:
    typed = [
        "convert", str(write_jsonl(ROWS)), "-c", "image:drawn", "--recipes", "recipes.toml",
        "--check-share", "0", "--workers", "1", "--out", "set",
    ]  # fmt: skip
    assert run_command(typed) == 1
    before = converted()
    assert [row["fidelity_status"] for row in before] == ["failed", "unchecked", "failed"]
    painter.drawn.clear()
    assert run_command(typed) == 1
    assert painter.drawn == []
    painter.is_down = False
    assert run_command([*typed, "--retry-failed"]) == 0
    assert sorted(painter.drawn) == [ROWS[0]["query"], ROWS[2]["query"]]
    after = converted()
    assert [row["fidelity_status"] for row in after] == ["unchecked"] * 3
    assert [row["id"] for row in after] == [row["id"] for row in ROWS]
    assert after[1] == before[1]
    assert after[0]["image"]["bytes"] == picture("red")
    assert "| `image:drawn` | 0 | 0 | 3 |" in Path("set/README.md").read_text(encoding="utf-8")
    painter.drawn.clear()
    assert run_command([*typed, "--retry-failed"]) == 0
    assert painter.drawn == []


def converted() -> list[dict[str, Any]]:
    return list(parquet.read_table("set/image").to_pylist())


def outcomes() -> dict[str | None, int]:
    with Store(Path("run"), readonly=True) as store:
        return store.counts()["image+text:drawn"]
