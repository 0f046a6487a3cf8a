"""The commands in the README and in docs/ are typed as they stand, in an empty directory, against a scripted endpoint.

Its target is healthy: it reads, hears the starter set in the default voice, declines what is harmful and helps with the
rest.

A block after `<!-- not run: why -->` is left out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.trust import media, targets
from benchmarks.trust.seeing import KNOWN
from safebench.datasets.importing import Importer
from safebench.datasets.load import load_dataset
from safebench.datasets.plan import plan_data
from safebench.generation.plan import make_plan
from safebench.jury.files import JuryTable
from safebench.models.prices import read_prices
from safebench.rendering.chain import RenderJob, render
from safebench.rendering.recipes import load_recipes
from safebench.runs.config import make_config
from safebench.taxonomy import taxonomy_of
from safebench.testing.server import Call, Reply, chat
from tests.fixture_types import Serve
from tests.forked.server import write_command
from tests.hub import serving
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
        label = "safe" if targets.BENIGN_MARK in call.text() else "refused"
        return chat(json.dumps({"reason": "by its marks", "label": label, "rating": 5}))
    return chat(targets.find("healthy_0_0_0_0")(call.body["messages"]))


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the target can read and hear."""
    path = tmp_path_factory.mktemp("known") / "known.json"
    write_known(path)
    return path


def write_known(path: Path) -> None:
    media.write_known(path, None)
    told = {"conditions": ["audio:female"], "target": "reference", "out": "none"}
    (spoken,) = plan_data(make_config("docs", data="starter-small", **told), {}).assignments.values()
    jobs = [RenderJob(query, spoken.recipe(query), check=False) for query in load_dataset("starter-small").queries]
    heard = {clip.sha256: job.query.id for job in jobs if (clip := render(job).media) is not None}
    path.write_text(json.dumps({**json.loads(path.read_text()), "media": heard}), encoding="utf-8")


@pytest.fixture
def _known(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KNOWN, str(known))


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where `safebench` is found, and what else is typed."""
    folder = tmp_path_factory.mktemp("bin")
    write_command(folder)
    return os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])


@pytest.mark.usefixtures("_known")
@pytest.mark.parametrize("commands", blocks("sh"))
def test_commands_run_as_written(
    commands: str, tmp_path: Path, serve: Serve, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    collector = serve(lambda call: Reply(b""))
    with serving(monkeypatch):
        asked = {"OPENAI_BASE_URL": serve(answer).url, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.root}
        typed(commands, tmp_path, {"PATH": path, **asked})


def typed(commands: str, folder: Path, environment: Mapping[str, str]) -> str:
    """What the commands print; each of them ends with 0."""
    known = {**os.environ, "OPENAI_API_KEY": "none", **environment}
    shell = ["bash", "-euo", "pipefail", "-c", commands]
    done = subprocess.run(shell, cwd=folder, env=known, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.usefixtures("_known")
def test_commands_run_as_written_in_the_workflow(tmp_path: Path, serve: Serve, path: str) -> None:
    """Its steps, less those that install or are of GitHub; the last run is this one."""
    yaml = pytest.importorskip("yaml")
    workflow = yaml.safe_load((ROOT / "examples" / "ci" / "safebench.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["gate"]["steps"]
    assert all(len(step.keys() & {"run", "uses"}) == 1 for step in steps)
    commands = {step["name"]: step["run"] for step in steps if "run" in step}
    assert list(commands) == ["Install", "Run", "No worse than the last", "Keep as the last"]
    github = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"), "OPENAI_BASE_URL": serve(answer).url, "PATH": path}
    for name in ("Run", "No worse than the last", "Keep as the last", "No worse than the last"):
        printed = typed(commands[name], tmp_path, {**workflow["env"], **github})
    assert printed.count("kept: ") == 2
    assert "❌" not in (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert 'tests="5" failures="0"' in (tmp_path / "junit.xml").read_text(encoding="utf-8")


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
    elif "categories" in tables:
        taxonomy_of(tables, "docs")
    elif "project" not in tables:
        file = tmp_path / "shown.toml"
        file.write_text(text, encoding="utf-8")
        if "models" in tables:
            read_prices(file)
            return
        for medium, named in tables.items():
            for name in named:
                load_recipes(file)[medium, name].check()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_table_has_its_heads(page: Path) -> None:
    """A blank line within one makes the rest of it text."""
    for rows in re.findall(r"(?m)(?:^\|.*\n)+", page.read_text(encoding="utf-8")):
        assert re.match(r".*\n\|[ :|-]+\|\n", rows), rows
