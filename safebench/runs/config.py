"""What a run is asked to do: one frozen object, from the command line, a TOML file or Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeGuard

from pydantic import Field, model_validator

from safebench import registry
from safebench.datasets.config import RenderingConfig
from safebench.models.pacing import Concurrency
from safebench.plugins import PluginOptions
from safebench.rendering.wordings import given, under
from safebench.taxonomy import Taxonomy, paper, taxonomy_of
from safebench.types import Intent

RUN_FILE = "run.toml"
RESOLVED = "resolved"  # key there: versions and hashes
TAXONOMY = "taxonomy"  # key there: the data's own, as in its file
REVISIONS = "revisions"  # key there: what it has grown by
WORDING = "wording"  # key there: the texts of the wordings that it names
MAX_OPEN = 0.05  # share of the items
CHANGEABLE = frozenset(
    {
        *("out", "concurrency", "workers", "timeout", "retries", "preflight", "calibration"),
        *("allow_skips", "allow_unproven", "max_open", "prices", "max_calls", "max_cost"),
    }
)


class Revision(PluginOptions):
    """What a run asked for from some command on: what of it can grow."""

    safebench: str  # version
    data: str
    minibench: bool = False
    intent: Intent | None = None
    limit: int | None = None
    conditions: tuple[str, ...]
    repeats: int
    data_sha256: str
    queries: int


class RunConfig(RenderingConfig):
    """Everything that `safebench run` takes. An unknown key is an error that names the nearest known one."""

    target: str
    family: str | Mapping[str, Any] | None = None  # of the target's endpoint; else by the host of its base URL
    base_url: str | None = None  # of the target
    api_key_env: str | None = None
    accepts: tuple[str, ...] | None = None  # media that the target takes
    timeout: float | None = Field(None, gt=0)  # s, for one attempt
    retries: int | None = Field(None, ge=0)
    parameters: Mapping[str, Any] = {}  # sent to the target with every request
    options: Mapping[str, Any] = {}  # of the target's own: device, dtype, batch_size, …
    jury: str | Mapping[str, Any] = "embedded"  # shipped name, file, or the tables of a jury file
    jury_models: tuple[str, ...] = ()  # for jurors that name no model: one for all, or one each
    jury_seed: int | None = Field(None, ge=0)  # of the jury's own draws; the run's when not given
    calibration: str | None = None  # file of `safebench jury calibrate`, with which the report corrects the ASR
    repeats: int = Field(1, ge=1)
    probe: float = Field(0.0, ge=0.0, le=1.0)  # share of the rendered items whose comprehension is probed
    probe_form: Literal["auto", "repeat", "choose"] = "auto"  # auto: what the target can do with text
    preflight: bool = True  # find out before the run whether media arrive
    concurrency: Concurrency = "auto"  # calls in flight, target and jurors together; auto: as each endpoint takes them
    allow_skips: bool = False
    allow_unproven: bool = False  # accept conditions of which nothing can be concluded
    max_open: float = Field(MAX_OPEN, ge=0.0, le=1.0)  # share of open items above which the exit status is 1
    wordings: tuple[str, ...] = ()  # NAME, NAME=TEXT or FILE.toml: every condition that names none is asked under each
    resolved: Mapping[str, Any] = {}  # versions and hashes, written into a run folder; not read back
    revisions: tuple[Revision, ...] = ()  # of a run folder: what it has grown by; not read back

    @model_validator(mode="before")
    @classmethod
    def _each_under_each_wording(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Conditions name their wordings from here on, and the texts of those that were given stand beside them."""
        specs, conditions, own = values.get("wordings"), values.get("conditions"), values.get(WORDING, {})
        if not (specs and _are_texts(specs) and _are_texts(conditions) and isinstance(own, Mapping)):
            return values  # what is wrong with them is said by their types
        names, texts = given(specs)
        return {**values, "wordings": (), "conditions": under(conditions, names), WORDING: {**own, **texts}}

    def target_options(self) -> dict[str, Any]:
        named = {key: getattr(self, key) for key in ("family", "base_url", "api_key_env", "timeout", "retries")}
        options = {key: value for key, value in named.items() if value is not None} | dict(self.options)
        return {**options, "parameters": dict(self.parameters)} if self.parameters else options


def _are_texts(values: Any) -> TypeGuard[Sequence[str]]:
    return isinstance(values, list | tuple) and all(isinstance(one, str) for one in values)


def make_config(where: str, /, **values: Any) -> RunConfig:
    """Raises BadInput with every problem, naming `where` the values came from."""
    return registry.validated(RunConfig, where, values)


def taxonomy_in(resolved: Mapping[str, Any]) -> Taxonomy:
    """From what a run file was resolved to: the paper's, where the data brought none of their own."""
    return taxonomy_of(resolved[TAXONOMY], f"{RESOLVED}.{TAXONOMY}") if TAXONOMY in resolved else paper()
