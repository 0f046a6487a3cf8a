"""What a built site may not have is found."""

from __future__ import annotations

from pathlib import Path

from website.check import problems

GOOD = (
    '<h1 id="top">Tides</h1><a href="other.html#there">a</a><a href="https://example.org/x">b</a><img src="moon.png">'
)
OTHER = '<p id="there"></p><a href="index.html">home</a><a href="./">home</a>'


def site(folder: Path, **pages: str) -> Path:
    (folder / "moon.png").write_bytes(b"")
    for name, text in ({"index": GOOD, "other": OTHER} | pages).items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return folder


def test_a_good_site_has_no_problems(tmp_path: Path) -> None:
    assert list(problems(site(tmp_path))) == []


def test_links_and_anchors_that_lead_nowhere_are_named(tmp_path: Path) -> None:
    wrong = '<a href="gone.html">a</a><a href="other.html#gone">b</a><a href="#gone">c</a><img src="sun.png">'
    assert list(problems(site(tmp_path, wrong=wrong))) == [
        "wrong.html: gone.html: no such file",
        "wrong.html: other.html#gone: no such place on that page",
        "wrong.html: #gone: no such place on that page",
        "wrong.html: sun.png: no such file",
    ]


def test_what_is_loaded_from_elsewhere_is_named(tmp_path: Path) -> None:
    loads = '<script src="https://example.org/a.js"></script><link rel="stylesheet" href="//example.org/a.css">'
    assert list(problems(site(tmp_path, loads=loads))) == [
        "loads.html: asks for https://example.org/a.js",
        "loads.html: asks for //example.org/a.css",
    ]
