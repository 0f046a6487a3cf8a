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


def test_the_page_on_architecture_names_what_there_is() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert [package.name for package in PACKAGES if f"`{package.name}/`" not in page] == []
