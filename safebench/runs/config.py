"""What a run is asked to do: one frozen object, from the command line, a TOML file or Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError

from safebench import registry
from safebench.errors import BadInput
from safebench.plugins import PluginOptions

FREE = frozenset(
    {"out", "concurrency", "workers", "allow_skips", "max_open", "timeout", "retries", "preflight", "calibration"}
)


class RunConfig(PluginOptions):
    """Everything that `safebench run` takes. An unknown key is an error that names the nearest known one."""

    data: str  # built-in name, file, or folder made by `convert`
    text_column: str | None = None  # of a file; found by name when not given
    limit: int | None = Field(None, ge=1)  # the first N queries
    conditions: tuple[str, ...] = Field(min_length=1)
    recipes: str | None = None  # a recipes file of the user's
    recipe: Mapping[str, Any] = {}  # recipes in the run file itself, as tables [recipe.MEDIUM.NAME]
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
    out: str
    repeats: int = Field(1, ge=1)
    seed: int = Field(0, ge=0)
    check_share: float = Field(1.0, ge=0.0, le=1.0)  # share of renderings whose fidelity is checked
    recognisers: tuple[str, ...] = ()  # NAME[:ARGUMENT], one for each medium: for fidelity, spoken answers, the probe
    probe: float = Field(0.0, ge=0.0, le=1.0)  # share of the rendered items that the target is asked to repeat
    preflight: bool = True  # find out before the run whether media arrive
    concurrency: int = Field(16, ge=1)  # calls in flight, target and jurors together
    workers: int | None = Field(None, ge=1)  # processes that render and check; one for each core when not given
    allow_skips: bool = False
    max_open: float = Field(0.05, ge=0.0, le=1.0)  # share of open items above which the exit status is 1
    resolved: Mapping[str, Any] = {}  # versions and hashes, written into a run folder; not read back

    def target_options(self) -> dict[str, Any]:
        told = {k: getattr(self, k) for k in ("family", "base_url", "api_key_env", "timeout", "retries")}
        options = {k: v for k, v in told.items() if v is not None} | dict(self.options)
        return {**options, "parameters": dict(self.parameters)} if self.parameters else options


def make_config(where: str, **values: Any) -> RunConfig:
    """Raises BadInput with every problem, naming `where` the values came from."""
    try:
        return RunConfig(**values)
    except ValidationError as error:
        raise BadInput(*registry.explain(error, list(RunConfig.model_fields), where)) from error
