"""Jury files: jurors and protocol as data. `embedded` and the others in `data/juries/` are found by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from safebench import registry
from safebench.config import read_toml
from safebench.errors import BadInput, unknown
from safebench.jury.model import prompt_versions
from safebench.jury.protocol import Jury, Protocol, Seat
from safebench.plugins import Juror, PluginOptions, Target
from safebench.resources import data_path
from safebench.targets import open_target

MODEL = "model"


class JurorTable(PluginOptions):
    """One `[[jurors]]` table: a target as `model`, or a rule-based juror by name."""

    juror: str = MODEL
    model: str | None = None
    name: str | None = None  # under which it votes; numbered after what it is when not given
    role: str | None = None
    family: str | Mapping[str, Any] | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    timeout: float | None = None
    retries: int | None = None
    parameters: Mapping[str, Any] | None = None
    options: Mapping[str, Any] = {}  # of a rule-based juror

    @model_validator(mode="after")
    def _one_kind(self) -> JurorTable:
        if (self.juror == MODEL) != (self.model is not None):
            raise ValueError('a juror is either model = "TARGET" or juror = "NAME" of `safebench list jurors`')
        return self


class JuryTable(PluginOptions):
    """A whole jury file."""

    protocol: Protocol = Protocol()
    jurors: tuple[JurorTable, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> JuryTable:
        names = self.names()
        if len(set(names)) < len(names):
            raise ValueError(f"two jurors have the same name: {', '.join(names)}")
        if self.protocol.quorum is not None and self.protocol.quorum > len(self.jurors):
            raise ValueError(f"quorum = {self.protocol.quorum}, but there are only {len(self.jurors)} jurors")
        return self

    def names(self) -> list[str]:
        return [table.name or f"{table.model or table.juror}#{n}" for n, table in enumerate(self.jurors, start=1)]


def read_jury(name: str | Mapping[str, Any]) -> JuryTable:
    """A jury by shipped name, file path or inline table. Raises BadInput with every problem of the file."""
    if not isinstance(name, str):
        return _check(dict(name), "jury")
    path = Path(name)
    shipped = data_path(f"juries/{name}.toml")
    if path.suffix != ".toml" and shipped.is_file() and "/" not in name:
        path = shipped
    elif not path.is_file():
        known = [file.stem for file in data_path("juries").glob("*.toml")]
        raise unknown("jury", name, known) if path.suffix != ".toml" else BadInput(f"jury file {name}: no such file")
    return _check(read_toml(path), name)


def _check(tables: dict[str, Any], where: str) -> JuryTable:
    try:
        return JuryTable(**tables)
    except ValidationError as error:
        known = [*JuryTable.model_fields, *Protocol.model_fields, *JurorTable.model_fields]
        raise BadInput(*registry.explain(error, known, f"jury {where}")) from error


def build_jury(table: JuryTable, seed: int = 0) -> Jury:
    """Open the jurors. One client is shared by jurors that use the same model in the same way."""
    models: dict[str, Target] = {}
    seats = [_seat(juror, name, models) for juror, name in zip(table.jurors, table.names(), strict=True)]
    description = {"jury": table.model_dump(mode="json", exclude_none=True), "prompts": prompt_versions()}
    return Jury(seats, table.protocol, description, seed)


def _seat(table: JurorTable, name: str, models: dict[str, Target]) -> Seat:
    if table.model is None:
        return Seat(name, registry.create(Juror, table.juror, f"juror {name}", **table.options), None)
    told = {k: getattr(table, k) for k in ("family", "base_url", "api_key_env", "timeout", "retries", "parameters")}
    options = {k: v for k, v in told.items() if v is not None}
    key = repr((table.model, options))
    models.setdefault(key, open_target(table.model, options))
    role = {"role": table.role} if table.role else {}
    return Seat(name, registry.create(Juror, MODEL, f"juror {name}", **role), models[key])
