"""The floor plan (docs/architecture.md) holds; import-linter checks the floors."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = {
    path: ast.parse(path.read_text(encoding="utf-8"))
    for top in ("safebench", "modalities", "converters")
    for path in sorted((ROOT / top).rglob("*.py"))
}
OWN_JSON = (  # read what we alone wrote, and what tests serve
    "safebench/serialisation.py",
    "safebench/store/",
    "safebench/rendering/",
    "safebench/review/sample.py",
    "safebench/reports/pages/",
    "safebench/testing/",
    "converters/text_to_speech/espeak_",
)
PACKAGES = [path for path in (ROOT / "safebench").iterdir() if (path / "__init__.py").exists()]


def test_the_core_has_few_modules_and_packages_at_its_root() -> None:
    assert len(list((ROOT / "safebench").glob("*.py"))) <= 13
    assert len(PACKAGES) <= 14


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_no_package_is_too_full(package: Path) -> None:
    assert len(list(package.rglob("*.py"))) <= 25


def test_a_public_class_name_means_one_thing() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for path, tree in SOURCES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(path.relative_to(ROOT).as_posix())
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_names_say_what_the_thing_is() -> None:
    """`told` and `found` say how it came, not what it is."""
    bound = Counter(name for tree in SOURCES.values() for name in _bound(tree))
    assert bound["told"] + bound["found"] < 60


def _bound(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name


def test_json_that_others_wrote_is_read_by_one_function() -> None:
    """`serialisation.read_json`: the standard reader raises RecursionError, and takes numbers that are none."""
    reading = {
        path.relative_to(ROOT).as_posix() for path, tree in SOURCES.items() if any(map(_reads_json, ast.walk(tree)))
    }
    assert [place for place in sorted(reading) if not place.startswith(OWN_JSON)] == []
    assert [place for place in OWN_JSON if not any(one.startswith(place) for one in reading)] == []


def _reads_json(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="json"), attr="load" | "loads"):
            return True
        case ast.ImportFrom(module="json", names=names):
            return any(one.name in ("load", "loads") for one in names)
    return False


def test_sheets_are_read_by_one_function() -> None:
    """`datasets/delimited.records`: one rule for the sign between cells, quotation marks and line ends."""
    reading = [
        path.relative_to(ROOT).as_posix() for path, tree in SOURCES.items() if any(map(_reads_csv, ast.walk(tree)))
    ]
    assert reading == ["safebench/datasets/delimited.py"]


def _reads_csv(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="csv"), attr="reader" | "DictReader"):
            return True
        case ast.ImportFrom(module="csv"):
            return True
    return False


def test_the_page_on_architecture_names_what_there_is() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert [package.name for package in PACKAGES if f"`{package.name}/`" not in page] == []
