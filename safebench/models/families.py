"""Families of endpoints that speak chat completions, each in its own way. What they are is in `data/families.toml`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field

from safebench import registry
from safebench.errors import BadInput, check_known
from safebench.models.endpoints import DEFAULT_BASE_URL, DEFAULT_KEY, endpoint_url
from safebench.plugins import PluginOptions
from safebench.resources import load_toml

PLAIN = "plain"
LIKE = "like"
ADDED = ("blocked_codes", "blocked_messages", "blocked_fields")  # what a family says here stands beside plain's
NO_ANSWERS = (
    "summary",
    "source",
    "hosts",
    "base_url",
    "key",
    "max_audio_seconds",
    "batches",
)  # what makes no other answers
BatchForm = Literal["openai", "gemini", "anthropic"]
LIMITS = ("max_tokens", "max_completion_tokens")  # two names for the same wish


class Family(PluginOptions):
    """How endpoints of one kind are spoken to; `data/families.toml` says what each key means."""

    name: str
    summary: str
    source: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    base_url: str | None = None
    key: str = DEFAULT_KEY
    accepts: tuple[str, ...] | None = None
    encoders: Mapping[str, str] = {}
    token_limit: Literal["max_tokens", "max_completion_tokens"] | None = None
    structured: Literal["json_schema", "json_object", "none"]
    not_taken: tuple[str, ...] = ()
    max_audio_seconds: float | None = Field(None, gt=0)
    batches: BatchForm = "openai"
    thinking_fields: tuple[str, ...]
    thinking_tags: tuple[tuple[str, str], ...]
    thinking_words: tuple[tuple[str, str], ...]
    answer_tags: tuple[tuple[str, str], ...]
    thinking_channels: tuple[str, ...]
    answer_channels: tuple[str, ...]
    blocked_finish: tuple[str, ...]
    failed_finish: tuple[str, ...]
    blocked_codes: tuple[str, ...]
    blocked_messages: tuple[str, ...]
    blocked_fields: tuple[str, ...]

    def url(self, named: str | None) -> str:
        """The base URL: that of the user, or else where the family is.

        OPENAI_BASE_URL goes with OPENAI_API_KEY: a service with a key of its own is found at its own address.
        """
        own = self.base_url if self.key != DEFAULT_KEY else None
        return endpoint_url(named or own, self.base_url or DEFAULT_BASE_URL)

    def sent(self, parameters: Mapping[str, Any], where: str) -> dict[str, Any]:
        """The parameters under the names that it knows. Raises BadInput for one that it would drop without a word."""
        dropped = [name for name in parameters if name in self.not_taken]
        if dropped:
            raise BadInput(f"{where}: endpoints of family {self.name!r} ignore {', '.join(dropped)}: leave it out")
        if all(name in parameters for name in LIMITS):
            raise BadInput(f"{where}: {' and '.join(LIMITS)} are the same limit: give one")
        return {self.token_limit or name if name in LIMITS else name: value for name, value in parameters.items()}

    def describe(self) -> str:
        """Its name and what it says, in short: other facts make other answers."""
        rules = self.model_dump_json(exclude=set(NO_ANSWERS))
        return f"{self.name} {hashlib.sha256(rules.encode()).hexdigest()[:12]}"


@cache
def families() -> dict[str, Family]:
    """All that are declared, by name."""
    tables = load_toml("families.toml")
    return {name: Family(**_over(tables[PLAIN], table), name=name) for name, table in tables.items()}


def _over(base: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """The table, and the base where it says nothing."""
    added = {key: tuple(dict.fromkeys([*base[key], *table.get(key, [])])) for key in ADDED}
    return {**base, **table, **added}


def plain() -> Family:
    """What is known of an endpoint about which nothing is known."""
    return families()[PLAIN]


def family_of(named: str | Mapping[str, Any] | None, base_url: str | None, where: str) -> Family:
    """The family that the user named, or else that of the host.

    `named` is a name, or a table: keys of data/families.toml, and `like`, the family that they are taken from for the
    rest. Raises BadInput for an unknown name or key.
    """
    if named is None:
        return _by_host(endpoint_url(base_url))
    if isinstance(named, str):
        return _by_name(named, where)
    table = dict(named)
    like = _by_name(str(table.pop(LIKE, PLAIN)), where)
    facts = _over({**like.model_dump(), "name": f"like {like.name}"}, table)
    return registry.validated(Family, f"{where}: family", facts, [LIKE])


def _by_name(name: str, where: str) -> Family:
    check_known("family", name, families(), where)
    return families()[name]


def _by_host(base_url: str) -> Family:
    host = urlsplit(base_url).hostname or ""
    matching = (family for family in families().values() if any(fnmatchcase(host, known) for known in family.hosts))
    return next(matching, plain())
