"""The folder that Zensical builds the site from.

Pages in `docs/` link to code, data and pages that lie elsewhere in the repository. Such a page comes along under a name
of its own, any other file as a text beside the pages; links are set to where they went.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)(?P<path>[^)#\s]+)(?P<anchor>#[^)\s]*)?(?=\))")
LABELLED = re.compile(r"(?<!!)\[(?P<label>[^\[\]]*)\]\((?P<path>[^)#:\s]+)\)")
ELSEWHERE = {  # pages outside of docs/, and where they stand in the site
    "CHANGELOG.md": "project/changelog.md",
    ".github/CONTRIBUTING.md": "project/contributing.md",
    ".github/SECURITY.md": "project/security.md",
    "data/README.md": "project/starter-set.md",
    "examples/targets/README.md": "project/example-targets.md",
    "examples/safebench-video/README.md": "project/example-video.md",
}
FILES = Path("files")
ASSETS = tuple(Path(__file__).with_name(name) for name in ("iframe-worker.js", "site.css", "site.js"))


def gather(out: Path, made: Mapping[str, str]) -> None:
    """All pages below `out`, which is made anew; `made`: texts of pages and files, by their path below `docs/`."""
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(DOCS, out)
    for source, place in page_places().items():
        write(out / place, relinked((ROOT / source).read_text(encoding="utf-8"), Path(source), Path(place), out))
    for place, text in made.items():
        write(out / place, relinked(text, Path("docs", place), Path(place), out) if place.endswith(".md") else text)
    for asset in ASSETS:
        shutil.copyfile(asset, out / asset.name)


def page_places() -> dict[str, str]:
    """Every page that people wrote, by its path in the repository: its path in the site."""
    inside = {page.relative_to(ROOT).as_posix(): page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    return inside | ELSEWHERE


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def relinked(text: str, source: Path, place: Path, out: Path) -> str:
    """The page at `source` with its links as they have to be at `place`; files that it links to are put into `out`.

    A folder has no page: of a link to one its label stays.
    """
    text = LABELLED.sub(lambda link: link["label"] if _target(source, link["path"]).is_dir() else link[0], text)
    return LINK.sub(lambda link: _moved(_target(source, link["path"]), place, out) + (link["anchor"] or ""), text)


def _target(source: Path, path: str) -> Path:
    return Path(os.path.normpath(ROOT / source.parent / path))


def _moved(target: Path, place: Path, out: Path) -> str:
    name = target.relative_to(ROOT).as_posix()
    pages = page_places()
    if name in pages:
        there = Path(pages[name])
    elif target.is_relative_to(DOCS):
        there = target.relative_to(DOCS)
    else:
        there = FILES / f"{name.lstrip('.')}.txt"  # Zensical leaves out what is hidden
        write(out / there, target.read_text(encoding="utf-8"))
    return Path(os.path.relpath(there, place.parent)).as_posix()
