"""What a run and a conversion take alike, and what a conversion is asked to do: frozen objects, a comment a field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from safebench import registry
from safebench.plugins import PluginOptions
from safebench.types import Intent


class RenderingConfig(PluginOptions):
    """Which queries are rendered, how, and how far that is checked. An unknown key is an error."""

    data: str  # built-in name, file, or folder made by `convert`
    text_column: str | None = None  # of a file; found by name when not given
    encoding: str | None = None  # of a file's text; UTF-8 when not given
    language: str | None = None  # of queries of which the data do not say it, as BCP 47 writes it
    minibench: bool = False  # only 50 harmful queries of each of the paper's ten scenarios, with their twins
    intent: Intent | None = None  # only the queries of this one, which leaves out their twins
    limit: int | None = Field(None, ge=1)  # the first N queries
    shard: str | None = None  # N/M: only the N-th of M parts of the queries
    conditions: tuple[str, ...] = Field(min_length=1)
    recipes: str | None = None  # a recipes file of the user's
    recipe: Mapping[str, Any] = {}  # recipes in the run file itself, as tables [recipe.MEDIUM.NAME]
    wording: Mapping[str, Any] = {}  # wordings of the user's own: by name a text, or a table with it
    out: str
    seed: int = Field(0, ge=0)
    check_share: float = Field(1.0, ge=0.0, le=1.0)  # share of renderings whose fidelity is checked
    recognisers: tuple[str, ...] = ()  # NAME[:ARGUMENT], one for each medium: for fidelity, spoken answers, the probe
    workers: int | None = Field(None, ge=1)  # processes that render and check; one for each core when not given
    max_calls: int | None = Field(None, ge=1)  # to all models together, of all starts
    max_cost: float | None = Field(None, gt=0)  # USD, likewise
    prices: str | None = None  # file of the user's own prices, before those that are shipped


class ConvertConfig(RenderingConfig):
    """Everything that `safebench convert` takes."""

    pairs: bool = False  # also one row for each query, with all of its media
    retry_failed: bool = False  # what ended in an error, or cannot be read any more, is rendered again; the rest stays


def make_convert_config(where: str, /, **values: Any) -> ConvertConfig:
    """Raises BadInput with every problem, naming `where` the values came from."""
    return registry.validated(ConvertConfig, where, values)
