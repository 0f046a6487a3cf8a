"""Pages come together with what they link to, and every one has its place in the navigation."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from website.staging import ASSETS, ROOT, gather, page_places, relinked

NAVIGATION = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]


def listed(entries: list[dict[str, Any]]) -> Iterator[str]:
    for entry in entries:
        for inner in entry.values():
            yield from [inner] if isinstance(inner, str) else listed(inner)


def test_every_page_stands_in_the_navigation() -> None:
    """Decisions are listed by their own index."""
    pages = {place for place in page_places().values() if not place.startswith("decisions/0")}
    named = list(listed(NAVIGATION))
    assert sorted(pages - set(named)) == [], "pages that zensical.toml does not list under `nav`"
    assert sorted({name for name in named if not name.startswith("reference/")} - pages) == []
    assert len(named) == len(set(named))


def test_links_go_where_their_targets_went(tmp_path: Path) -> None:
    text = (
        "[a](runs.md#folder) [b](../data/prices.toml) [c](../safebench/targets/) ![d](images/report.png)"
        " [e](../CHANGELOG.md) [f](https://example.org) [g](#here)"
    )
    assert relinked(text, Path("docs/costs.md"), Path("costs.md"), tmp_path) == (
        "[a](runs.md#folder) [b](files/data/prices.toml.txt) c ![d](images/report.png)"
        " [e](project/changelog.md) [f](https://example.org) [g](#here)"
    )
    assert (tmp_path / "files/data/prices.toml.txt").read_text() == (ROOT / "data/prices.toml").read_text()


def test_a_page_from_elsewhere_links_back(tmp_path: Path) -> None:
    changed = relinked("[a](docs/costs.md#limits)", Path("CHANGELOG.md"), Path("project/changelog.md"), tmp_path)
    assert changed == "[a](../costs.md#limits)"


def test_a_folder_is_gathered_anew(tmp_path: Path) -> None:
    out = tmp_path / "docs"
    (out / "old").mkdir(parents=True)
    gather(out, {"reference/commands.md": "[prices](../../data/prices.toml)", "reference/a.json": "{}"})
    assert not (out / "old").exists()
    assert (out / "reference/commands.md").read_text() == "[prices](../files/data/prices.toml.txt)"
    assert all((out / asset.name).is_file() for asset in ASSETS)
