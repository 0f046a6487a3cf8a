"""The files beside the code that others read: how to cite, to contribute, to report, and the release."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from safebench import __version__

ROOT = Path(__file__).parent.parent
GITHUB = ROOT / ".github"


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_citation_names_this_version_its_licence_and_the_paper() -> None:
    cited = read(ROOT / "CITATION.cff")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (cited["version"], cited["license"]) == (__version__, project["license"])
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()
    assert "2410.18927" in str(cited["references"])


@pytest.mark.parametrize("page", sorted(GITHUB.rglob("*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.md")), ids=lambda page: page.name)
def test_a_template_has_a_name_and_says_what_it_is_for(page: Path) -> None:
    _, head, _ = page.read_text(encoding="utf-8").split("---\n", 2)
    assert {"name", "about"} <= yaml.safe_load(head).keys()


@pytest.mark.parametrize(("tag", "status"), [(f"v{__version__}", 0), ("v999.0.0", 1)])
def test_a_release_is_refused_whose_tag_is_not_its_version(tag: str, status: int) -> None:
    steps = {step.get("name"): step for step in read(GITHUB / "workflows" / "release.yml")["jobs"]["release"]["steps"]}
    done = subprocess.run(
        ["bash", "-c", steps["The tag is the version"]["run"]],
        cwd=ROOT, env={"GITHUB_REF_NAME": tag, "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}, check=False,
    )  # fmt: skip
    assert done.returncode == status


def test_each_night_new_cases_new_kills_and_what_the_gate_leaves_out_are_tried() -> None:
    nightly = read(GITHUB / "workflows" / "nightly.yml")
    (when,) = nightly[True]["schedule"]  # YAML takes `on` for true
    minute, hour, *days = when["cron"].split()
    assert (int(minute) in range(60), int(hour) in range(24), days) == (True, True, ["*", "*", "*"])
    tried = {"look": {"fuzz", "chaos"}, "optional": {"ray", "vllm"}}
    for name, job in nightly["jobs"].items():
        assert set(job["strategy"]["matrix"]["what"]) == tried.pop(name) <= targets()
        assert any(step.get("run") == "make ${{ matrix.what }}" for step in job["steps"])
    assert not tried
    assert nightly["permissions"] == {"contents": "read"}


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_each_step_of_an_installation_is_told_before_it_is_taken(tmp_path: Path) -> None:
    command = ["make", "--dry-run", "quickstart", f"VENV={tmp_path / 'new'}"]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    steps = [n for n, line in enumerate(lines) if re.search(" -m (venv|pip) ", line)]
    assert len(steps) == 3
    assert all(lines[n - 1].startswith('echo "installing: ') for n in steps)


def test_what_contributors_are_told_to_type_is_there() -> None:
    told = re.findall(r"^make ([a-z-]+)", (GITHUB / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(told) == {"check", "test"}
    assert set(told) <= targets()
