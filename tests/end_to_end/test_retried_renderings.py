"""An image endpoint that was down for a while: `--retry-failed` draws what is missing, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from safebench.cli import run_command
from safebench.store import Store
from safebench.testing.server import Call, Reply, ScriptedServer, error, image
from tests.converters.text_to_image.drawn import picture
from tests.end_to_end.scripted import answer

ROWS = [{"id": f"q{n}", "query": f"say vote unsafe 1 number {n}"} for n in range(3)]


def test_renderings_of_an_endpoint_that_was_down_are_made_later(
    serve: Callable[[Callable[[Call], Reply]], ScriptedServer],
    jury_file: Path,
    write_jsonl: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def world(call: Call) -> Reply:
        if not call.path.endswith("/images/generations"):
            return answer(call)
        drawn.append(str(call.body["prompt"]))
        return error(503) if is_down and "number 1" not in drawn[-1] else image(picture("red"))

    drawn: list[str] = []
    is_down = True
    server = serve(world)
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
    typed = [
        "run", "--data", str(write_jsonl(ROWS)), "-c", "image+text:drawn", "--recipes", "recipes.toml",
        "--target", "openai:tested", "--base-url", server.url, "--jury", str(jury_file), "--no-preflight",
        "--check-share", "0", "--workers", "1", "--max-open", "1", "--out", "run",
    ]  # fmt: skip
    assert run_command(typed) == 0
    assert outcomes() == {"not_rendered": 2, "unsafe": 1}
    is_down = False
    drawn.clear()
    assert run_command(typed) == 0
    assert drawn == []
    assert run_command([*typed, "--retry-failed"]) == 0
    assert sorted(drawn) == [ROWS[0]["query"], ROWS[2]["query"]]
    assert outcomes() == {"unsafe": 3}


def outcomes() -> dict[str | None, int]:
    with Store(Path("run"), readonly=True) as store:
        return store.counts()["image+text:drawn"]
