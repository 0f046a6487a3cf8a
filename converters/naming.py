"""How errors and characters are named to the user."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from safebench.errors import ConversionError
from safebench.plugins import Work


@contextmanager
def naming(work: Work, converter: str | None = None, *also: type[Exception]) -> Iterator[None]:
    """A ConversionError within it, or one of `also`, becomes one that names the query, and a converter if wanted."""
    caught: tuple[type[Exception], ...] = (ConversionError, *also)
    try:
        yield
    except caught as error:
        who = "" if converter is None else f"{converter}: "
        raise ConversionError(f"query {work.query.id!r}: {who}{error}") from error


def described(character: str) -> str:
    """With its code point and name, printable whatever it is: `'é' U+00E9 LATIN SMALL …`."""
    return f"{character!r} U+{ord(character[0]):04X} {unicodedata.name(character[0], '(no name)')}"
