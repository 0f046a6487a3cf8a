"""The commands in the README and in docs/ are typed as they stand, in an empty directory, against a scripted endpoint.

A block after `<!-- not run: why -->` is left out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from safebench.datasets.importing import Importer
from safebench.generation.plan import make_plan
from safebench.jury.files import JuryTable
from safebench.rendering.recipes import load_recipes
from safebench.runs.config import make_config
from safebench.testing.server import Call, Reply, chat
from tests.fixture_types import Serve
from tests.safebench.generation import scripted as generating

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(?P<mark><!-- not run: .*? -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)


def blocks(kind: str) -> list[object]:
    return [
        pytest.param(
            found["text"], id=f"{page.relative_to(ROOT)}:{page.read_text()[: found.start()].count(chr(10)) + 1}"
        )
        for page in PAGES
        for found in BLOCK.finditer(page.read_text(encoding="utf-8"))
        if found["kind"] == kind and not found["mark"]
    ]


def answer(call: Call) -> Reply:
    if call.model.startswith(("writer-", "judge-")):
        return generating.answer(call)
    if "response_format" in call.body:
        return chat(json.dumps({"reason": "it declines", "label": "refused", "rating": 5}))
    return chat("I'm sorry, but I can't help with that.")


@pytest.mark.parametrize("commands", blocks("sh"))
def test_commands_run_as_written(commands: str, tmp_path: Path, serve: Serve) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "OPENAI_API_KEY": "none", "OPENAI_BASE_URL": serve(answer).url}
    shell = ["bash", "-euc", commands]
    done = subprocess.run(
        shell, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


def test_there_are_commands_to_run() -> None:
    assert len(blocks("sh")) >= 2


@pytest.mark.parametrize("text", blocks("toml"))
def test_files_shown_are_valid(text: str, tmp_path: Path) -> None:
    import tomllib

    tables = tomllib.loads(text)
    if "jurors" in tables:
        JuryTable(**tables)
    elif "conditions" in tables:
        make_config("docs", **tables)
    elif "columns" in tables:
        Importer(**tables)
    elif "writers" in tables:
        make_plan("docs", **tables)
    elif "project" not in tables:
        file = tmp_path / "recipes.toml"
        file.write_text(text, encoding="utf-8")
        for medium, named in tables.items():
            for name in named:
                load_recipes(file)[medium, name].check()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link
