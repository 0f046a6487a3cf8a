"""Templates become pages. Whatever comes from outside is escaped, and only scripts of ours, with the nonce, may run."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from functools import cache
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safebench.errors import MissingPackage
from safebench.files import write_text
from safebench.rendering.fidelity import shown_mean
from safebench.reports import formats
from safebench.reports.formats import doubted, unparted

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
PACKAGES = {"jinja2": "jinja2", "vl_convert": "vl-convert-python"}  # module -> package, of the extra `pages`
FILTERS = ("percent", "percents", "points", "point_range", "decimal", "p_value", "words", "duration", "thousands")
COMMAND = re.compile("`([^`]+)`")  # in a sentence of ours
ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def require_packages(what: str = "an HTML page", packages: Mapping[str, str] = PACKAGES) -> None:
    """Raises MissingPackage with the command that installs what pages need."""
    missing = [package for module, package in packages.items() if util.find_spec(module) is None]
    if missing:
        raise MissingPackage(what, missing, "pages")


def render(template: str, folder: Path = TEMPLATES, **values: Any) -> str:
    """A page from a folder of templates. `values` may hold anything hostile: all of it is escaped."""
    nonce = secrets.token_urlsafe(16)
    version = metadata.version("safebench")
    page: str = environment(folder).get_template(template).render(nonce=nonce, version=version, **values)
    return page


@cache
def environment(folder: Path = TEMPLATES) -> Environment:
    """Templates of that folder; they may build on those of this package."""
    require_packages()
    import jinja2
    from markupsafe import Markup

    loader = jinja2.FileSystemLoader([folder, TEMPLATES])
    made = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters.update({name: getattr(formats, name) for name in FILTERS})
    made.filters["shown_mean"] = shown_mean
    made.filters |= {"doubted": doubted, "sentence": sentence, "breakable": breakable}
    made.filters["script_json"] = lambda value: Markup(script_json(value))  # noqa: S704
    made.filters["pretty_json"] = lambda value: json.dumps(value, ensure_ascii=False, indent=2)
    return made


def sentence(text: str) -> Markup:
    """One of ours as a page sets it: commands as such, and numbers with their %. What others put into it is escaped."""
    from markupsafe import Markup, escape

    return Markup(COMMAND.sub(r"<code>\1</code>", str(escape(unparted(text)))))  # noqa: S704


def breakable(name: str) -> Markup:
    """A long name with places where a line may end."""
    from markupsafe import Markup, escape

    return Markup(re.sub("([:/@])", r"\1<wbr>", str(escape(name))))  # noqa: S704


def script_json(value: Any) -> str:
    """JSON that may stand inside a script element: no text in it can end the element or begin another."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(ESCAPES)


def write_whole(path: Path, text: str) -> Path:
    """Write a text file, whole or not at all. Lone surrogates, which no UTF-8 holds, become question marks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text, errors="replace")
    return path


def shown_target(target: str) -> str:
    """The target as asked: without its path where it is a folder of the user's machine."""
    kind, colon, name = target.partition(":")
    return kind + colon + (Path(name).name if name.startswith(("/", "~", ".")) else name)
