from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from safebench.cli import skeleton
from safebench.cli.main import run_command
from safebench.errors import BadInput
from safebench.resources import data_path

ROOT = Path(__file__).parents[3]


def install(folder: Path) -> None:
    """As `pip install -e` would, without a network: the package's entry points lie beside it."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    told = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(told, encoding="utf-8")
    groups = project["entry-points"].items()
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in points.items()) for group, points in groups]
    (info / "entry_points.txt").write_text("".join(lines), encoding="utf-8")


EVERY = [*((kind, None) for kind in skeleton.KINDS), ("converter", "audio")]


@pytest.mark.parametrize(("kind", "medium"), EVERY)
def test_the_tests_of_a_new_package_pass(
    kind: str, medium: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "package"
    more = ["--medium", medium] if medium else []
    assert run_command(["new", kind, "wind-chime", "--out", str(folder), *more]) == 0
    assert f"pip install -e '{folder}[test]' && pytest {folder}" in capsys.readouterr().out
    install(folder)
    path = os.pathsep.join([str(folder), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--disable-socket", "--allow-unix-socket"],
        cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


@pytest.mark.parametrize(("kind", "medium"), EVERY)
def test_nothing_in_it_is_unused_or_too_long(kind: str, medium: str | None, tmp_path: Path) -> None:
    folder = skeleton.write_skeleton(kind, "smell", tmp_path / "package", medium)
    command = ["ruff", "check", "--isolated", "--select", "E,F,W", "--line-length", "120", str(folder)]
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("template", sorted(data_path("templates").glob("*.py.template")), ids=lambda file: file.name)
def test_a_skeleton_imports_from_one_place(template: Path) -> None:
    ours = re.findall(r"^from ((?:safebench|converters|modalities)\S*)", template.read_text("utf-8"), re.MULTILINE)
    assert set(ours) <= {"safebench.plugins", "safebench.testing.contracts"}


@pytest.mark.parametrize("name", ["", "Wind", "wind chime", "1st", "a--b", "-a", "../evil", "a_b"])
def test_what_is_no_name_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is no name for a package"):
        skeleton.write_skeleton("modality", name, tmp_path / "package")
    assert not (tmp_path / "package").exists()


def test_a_name_that_is_taken_an_unknown_kind_and_a_full_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is a modality 'audio' already"):
        skeleton.write_skeleton("modality", "audio", tmp_path / "package")
    with pytest.raises(BadInput, match="did you mean modality"):
        skeleton.write_skeleton("modalty", "smell", tmp_path / "package")
    with pytest.raises(BadInput, match="unknown medium 'video' in new converter; known: audio, image"):
        skeleton.write_skeleton("converter", "smell", tmp_path / "package", "video")
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(BadInput, match="exists already"):
        skeleton.write_skeleton("modality", "smell", tmp_path)
