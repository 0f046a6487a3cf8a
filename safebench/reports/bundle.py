"""`safebench doctor --bundle`: one file for a bug report, with what is installed and what happened, and without texts.

Nothing is in it that a query, an answer or a person's file may have said: strings of a run file stay where they are
names, and errors keep the words of `data/rules/error_words.toml`.
"""

from __future__ import annotations

import json
import os
import platform
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import distributions
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from safebench import __version__
from safebench.errors import SafeBenchError
from safebench.files import read_toml, write_text
from safebench.models.endpoints import Mask
from safebench.models.families import families
from safebench.resources import load_toml
from safebench.runs.config import RUN_FILE, TAXONOMY
from safebench.serialisation import read_json
from safebench.store.exchanges import all_exchanges
from safebench.store.items import reasons_of_items, skipped_conditions
from safebench.store.store import Store
from safebench.store.verdicts import cast_ballots

SECRETS = ("key", "token", "secret", "password")  # in names of variables
OURS = re.compile(r".*_(?:API_KEY|BASE_URL|PROXY)|(?:NO|ALL)_PROXY|SSL_CERT_.*|SAFEBENCH_.*|OMP_NUM_THREADS|CUDA_.*")
TEXTS = (
    "wording",
    "role",
    "text",
    "prompt",
    "template",
    "system",
    "summary",
    "description",
)  # keys whose values are texts
PATH, HOST = "(path)", "(host)"
_NAME = re.compile(r"[\w.:+@=,~*\[\]<>-]{1,100}")
_WORD = re.compile(r"[^\W\d_]+|\d+|\S")
_STATUS = re.compile(r"[1-5]\d\d")
PACKAGES = {"safebench", "openai", "transformers", "vllm"}
_MARKS = frozenset(":;,.()/")


def write_bundle(file: Path, run: Path | None) -> None:
    """Raises no error for a run that cannot be read: then the bundle says so."""
    bundle: dict[str, Any] = {
        "safebench": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": dict(sorted((one.name, one.version) for one in distributions() if one.name)),
        "environment": sorted(name for name in os.environ if OURS.fullmatch(name.upper())),
    }
    if run is not None:
        bundle["run"] = _run(run)
    secrets = [value for name, value in os.environ.items() if any(secret in name.lower() for secret in SECRETS)]
    write_text(file, Mask(*secrets).text(json.dumps(bundle, ensure_ascii=False, indent=2)) + "\n", errors="replace")


def _run(folder: Path) -> dict[str, Any]:
    try:
        with Store(folder, readonly=True) as store:
            happened = _happened(store)
        return {"file": redacted(read_toml(folder / RUN_FILE)), "sizes": _sizes(folder), **happened}
    except SafeBenchError as error:
        return {"error": skeleton(str(error))}


def _sizes(folder: Path) -> dict[str, int]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    media = [path.stat().st_size for path in files if path.is_relative_to(folder / "media")]
    named = {path.name: path.stat().st_size for path in files if path.parent == folder}
    return {**named, "media": sum(media), "media files": len(media)}


def _happened(store: Store) -> dict[str, Any]:
    calls: Counter[str] = Counter()
    attempts: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    for role, status, response in all_exchanges(store):
        calls[f"{role} {status}"] += 1
        answer = read_json(response)
        attempts.update(str(attempt["status"]) for attempt in answer["attempts"])
        if failure := answer["failure"]:
            errors[skeleton(f"{role}: {failure['type']}: {failure['message']}")] += 1
    for ended in reasons_of_items(store):
        if ended.reason:
            errors[skeleton(f"{ended.outcome}: {ended.reason}")] += ended.n
    return {
        "items": {name: {str(outcome): n for outcome, n in cell.items()} for name, cell in store.counts().items()},
        "skipped": {one.condition: f"{one.items} items, {skeleton(one.reason)}" for one in skipped_conditions(store)},
        "calls": dict(calls.most_common()),
        "attempts by status": dict(attempts.most_common()),
        "ballots": {f"{cast.juror}: {cast.absence or 'vote'}": cast.n for cast in cast_ballots(store)},
        "errors": dict(errors.most_common()),
    }


# --- what is left out


def skeleton(message: str) -> str:
    """An error with the words that errors are made of; `…` for all others, which may be those of a query."""
    kept = (word if _is_harmless(word) else "…" for word in _WORD.findall(message))
    text = " ".join(word for word, _ in groupby(kept))
    return re.sub(r" (?=[:;,.)])", "", text)


def _is_harmless(word: str) -> bool:
    return word.lower() in _words() or word in _MARKS or _STATUS.fullmatch(word) is not None


@cache
def _words() -> frozenset[str]:
    return frozenset(load_toml("rules/error_words.toml")["words"].split()) | PACKAGES


def redacted(value: Any, key: str = "") -> Any:
    """A run file with its numbers and names, and without texts, scenarios, paths and hosts of the user's own."""
    if isinstance(value, Mapping):
        return {name: redacted(inner, name) for name, inner in value.items() if name != TAXONOMY}
    if isinstance(value, list):
        return [redacted(inner, key) for inner in value]
    if not isinstance(value, str):
        return value
    if key in TEXTS:
        return f"({len(value)} characters)"
    if "://" in value:
        return _without_host(value)
    return _name_or_path(value)


def _without_host(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    known: Iterable[str] = (pattern for family in families().values() for pattern in family.hosts)
    is_known = host in ("localhost", "127.0.0.1", "::1") or any(fnmatchcase(host, pattern) for pattern in known)
    return f"{parts.scheme}://{host if is_known else HOST}"


def _name_or_path(value: str) -> str:
    """A name, `NAME:ORGANISATION/MODEL` too; only that it is a path, or how long a text is."""
    plugin, colon, argument = value.partition(":")
    if "/" in value or "\\" in value:
        is_model = re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", argument) is not None and plugin.isidentifier()
        return value if colon and is_model else f"{plugin}:{PATH}" if colon and plugin.isidentifier() else PATH
    return value if _NAME.fullmatch(value) else f"({len(value)} characters)"
