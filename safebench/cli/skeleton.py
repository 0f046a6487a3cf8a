"""`safebench new`: an installable package with a plug-in that works as it stands, and with tests that pass."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version
from keyword import iskeyword
from pathlib import Path
from string import Template

from safebench import registry
from safebench.errors import BadInput, check_known, unknown
from safebench.files import is_taken
from safebench.plugins import Plugin
from safebench.resources import data_path

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
KINDS: dict[str, type[Plugin]] = {name: kind for kind, name in registry.KINDS.items()}
CLASSES = {  # group of entry points -> (suffix of the name, suffix of the class)
    "modality": {
        "modalities": ("", "Modality"),
        "converters": ("-maker", "Maker"),
        "recognisers": ("-reader", "Reader"),
    },
    "converter": {"converters": ("", "")},
    "recogniser": {"recognisers": ("", "")},
    "target": {"targets": ("", "")},
    "juror": {"jurors": ("", "")},
    "exporter": {"exporters": ("", "")},
}
MEDIA = {"converter": ("image", "audio")}  # kinds with a skeleton for each medium
TRY_IT = {
    "modality": "safebench quickstart --condition $name",
    "converter": 'safebench list converters     # then name it in a recipe: steps = [..., { use = "$name" }]',
    "recogniser": "safebench run --data starter-tiny --condition image --target reference --recogniser $name",
    "target": "safebench run --data starter --limit 5 --condition text --target $name --out runs/$name",
    "juror": 'safebench list jurors         # then name it in a jury file: [[jurors]] juror = "$name"',
    "exporter": "safebench quickstart && safebench export runs/quickstart --to $name:results",
}


def write_skeleton(kind: str, name: str, out: Path | None = None, medium: str | None = None) -> Path:
    """Write the package `safebench-NAME` into `out`, or a folder of that name here; the folder.

    `medium`: of what a converter changes, the first of MEDIA if it is not given. Raises BadInput for an unknown kind or
    medium, for a name that is taken or no name, and where something lies already.
    """
    check_known("kind", kind, KINDS)
    media = MEDIA.get(kind, ())
    if medium is not None and medium not in media:
        raise unknown("medium", medium, media, f"new {kind}")
    _check_name(kind, name)
    folder = out or Path(f"safebench-{name}")
    if is_taken(folder):
        raise BadInput(f"{folder} exists already: choose another folder with --out")
    template = f"{kind}-{medium or media[0]}" if media else kind
    for path, text in _files(kind, name, template).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def _check_name(kind: str, name: str) -> None:
    package = _package(name)
    if not NAME.fullmatch(name) or iskeyword(name) or package in sys.stdlib_module_names:
        raise BadInput(f"{name!r} is no name for a package: use lower-case letters, digits and single hyphens")
    if name in registry.names(KINDS[kind]):
        raise BadInput(f"there is a {kind} {name!r} already (`safebench list` shows all): choose another name")


def _package(name: str) -> str:
    return f"safebench_{name.replace('-', '_')}"


def _files(kind: str, name: str, template: str) -> dict[str, str]:
    """What the package holds, by path."""
    package, class_name = _package(name), "".join(part.capitalize() for part in name.split("-"))
    points = "".join(
        f'[project.entry-points."safebench.{group}"]\n{name}{after} = "{package}:{class_name}{suffix}"\n\n'
        for group, (after, suffix) in CLASSES[kind].items()
    )
    values = {"kind": kind, "name": name, "package": package, "class_name": class_name, "entry_points": points}
    values |= {"safebench": version("safebench"), "try_it": Template(TRY_IT[kind]).substitute(name=name)}
    templates = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        f"{package}/__init__.py": f"{template}.py",
        f"tests/test_{package}.py": f"{template}_test.py",
    }
    return {path: _filled(file, values) for path, file in templates.items()} | {f"{package}/py.typed": ""}


def _filled(template: str, values: dict[str, str]) -> str:
    text = data_path(f"templates/{template}.template").read_text(encoding="utf-8")
    return Template(text).substitute(values)
