"""Code of the user's own that a target is made from: MODULE:NAME, looked for from where the command is given."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from safebench.errors import BadInput, unknown


class UsersCode:
    """What MODULE:NAME stands for; `user` names it in errors, and `form` says how it is written.

    Each property raises BadInput for what cannot be found, imported or read.
    """

    def __init__(self, spec: str, user: str, form: str) -> None:
        self.module_name, colon, self.name = spec.partition(":")
        self._user = user
        kind = form.rpartition(":")[2].lower()
        if not (colon and self.module_name and self.name):
            raise BadInput(f"{user} is not written {form}")
        if self.module_name.endswith(".py") or "/" in self.module_name:
            mend = form.replace("MODULE", Path(self.module_name).stem).replace(kind.upper(), self.name)
            raise BadInput(f"{user} names a file; write the module: {mend}, from its folder")
        self._kind = kind

    @cached_property
    def module(self) -> ModuleType:
        """Looked for in the current directory first, as `python -m` does."""
        name, here = self.module_name, str(Path.cwd())
        if here not in sys.path:
            sys.path.insert(0, here)
        importlib.invalidate_caches()
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
                raise BadInput(f"{self._user}: there is no module {name!r} in {here} nor among the packages") from error
            raise BadInput(f"{self._user}: module {name!r} needs {error.name!r}, which is not installed") from error
        except (Exception, SystemExit) as error:  # the user's code may raise anything
            raise BadInput(f"{self._user}: importing {name!r} failed: {one_line(error)}") from error

    @cached_property
    def named(self) -> Any:
        """NAME may be a method: model.answer."""
        thing: Any = self.module
        for part in self.name.split("."):
            if not hasattr(thing, part):
                names = [n for n, value in vars(self.module).items() if callable(value) and not n.startswith("_")]
                raise unknown(f"{self._kind} of module {self.module_name!r}", self.name, names, self._user)
            thing = getattr(thing, part)
        return thing

    @property
    def sha256(self) -> str | None:
        """Of the module's file or, in a notebook, of the text of what is named; None for one not written in Python."""
        file = getattr(self.module, "__file__", None)
        if file and Path(file).is_file():
            return hashlib.sha256(Path(file).read_bytes()).hexdigest()
        if self.module.__name__ != "__main__":
            return None
        try:
            return hashlib.sha256(inspect.getsource(self.named).encode()).hexdigest()
        except (OSError, TypeError) as error:
            mend = "write it into a file, and name that"
            raise BadInput(f"{self._user}: its text cannot be read here; {mend}") from error


def one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
