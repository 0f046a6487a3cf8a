"""What is wrong with a built site: links and anchors that lead nowhere, and what a browser would ask others for.

python -m website.check FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "audio": "src",
    "video": "src",
    "source": "src",
    "link": "href",
}
TOP = "__skip"  # what the theme's link to the text is called on a page without headings
NO_PAGE = "404.html"  # found from any address, so its links are absolute


@dataclass
class _Page(HTMLParser):
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids |= {value for key in ("id", "name") if (value := given.get(key))}
        if source := given.get(LOADED.get(tag, "")):
            self.loaded.append(source)
        elif tag == "a" and (link := given.get("href")):
            self.links.append(link)


def problems(site: Path) -> Iterator[str]:
    """A line each, with the page."""
    for page in sorted(site.rglob("*.html")):
        if page.name != NO_PAGE:
            yield from (f"{page.relative_to(site)}: {problem}" for problem in _page_problems(page))


def _page_problems(page: Path) -> Iterator[str]:
    parsed = _parsed(page)
    yield from (f"asks for {source}" for source in parsed.loaded if urlsplit(source).netloc)
    for link in (*parsed.links, *parsed.loaded):
        if not (urlsplit(link).scheme or urlsplit(link).netloc) and (why := _broken(page, link)):
            yield f"{link}: {why}"


def _broken(page: Path, link: str) -> str | None:
    path, anchor = (unquote(part) for part in (urlsplit(link).path, urlsplit(link).fragment))
    target = (page.parent / path).resolve() if path else page
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return "no such file"
    if anchor and anchor != TOP and target.suffix == ".html" and anchor not in _parsed(target).ids:
        return "no such place on that page"
    return None


@cache
def _parsed(page: Path) -> _Page:
    parsed = _Page()
    parsed.feed(page.read_text(encoding="utf-8"))
    return parsed


if __name__ == "__main__":
    wrong = list(problems(Path(sys.argv[1])))
    sys.exit("\n".join(wrong) if wrong else 0)
