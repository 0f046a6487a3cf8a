"""Jury files: jurors and protocol as data. Those in `data/juries/` are found by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field

from safebench import registry
from safebench.errors import BadInput, check_known
from safebench.files import read_toml
from safebench.jury.guard import GuardJuror
from safebench.jury.guard_families import GuardFamily
from safebench.jury.model import prompt_versions
from safebench.jury.protocol import Jury, Protocol, Seat
from safebench.models.opening import answering_class, open_target
from safebench.plugins import Juror, PluginOptions, Target
from safebench.resources import data_path, load_toml, shipped
from safebench.serialisation import plain_tables
from safebench.taxonomy import Taxonomy

MODEL = "model"
RULES = ("refusal", "substance", "topic", "answers")  # data/rules: what the embedded jurors go by
Table = TypeVar("Table", bound="ModelTable")


class ModelTable(PluginOptions):
    """Which model answers, and how it is asked."""

    model: str | None = None
    family: str | Mapping[str, Any] | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    timeout: float | None = None
    retries: int | None = None
    parameters: Mapping[str, Any] | None = None


class JurorTable(ModelTable):
    """One `[[jurors]]` table: a target as `model`, one that is a guard of a family, or a rule-based juror by name."""

    juror: str = MODEL
    guard: str | Mapping[str, Any] | None = None  # family of guards, by name or told in a table
    name: str | None = None  # under which it votes; numbered after what it is when not given
    role: str | None = None
    options: Mapping[str, Any] = {}  # of a rule-based juror

    @property
    def is_model(self) -> bool:
        return self.juror == MODEL


class JuryTable(PluginOptions):
    """A whole jury file."""

    protocol: Protocol = Protocol()
    defaults: ModelTable | None = None  # what jurors and writer that are models do not say themselves
    writer: ModelTable | None = None  # who sums up the reasons; nobody when not given
    jurors: tuple[JurorTable, ...] = Field(min_length=1)

    def names(self) -> list[str]:
        return seat_names([table.model_dump() for table in self.jurors])

    @property
    def guards(self) -> list[bool]:
        """Of each juror, whether it is a guard."""
        return [juror.guard is not None for juror in self.jurors]


def seat_names(jurors: Sequence[Mapping[str, Any]]) -> list[str]:
    """Under which the jurors of these tables vote; a run file's tables are complete."""
    return [
        table.get("name") or f"{table.get('model') or table['juror']}#{n}" for n, table in enumerate(jurors, start=1)
    ]


def jury_path(name: str) -> Path:
    """The file of a shipped name, or the file itself. Raises BadInput where there is none."""
    path = Path(name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise BadInput(f"jury file {name}: no such file")
        return path
    check_known("jury", name, shipped("juries"))
    return data_path(f"juries/{name}.toml")


def read_jury(name: str | Mapping[str, Any], models: Sequence[str] = ()) -> JuryTable:
    """A jury by shipped name, file path or inline table, complete: every juror that is a model names one.

    `models` are for jurors that name none: one for all of them, or one each. Raises BadInput with every problem.
    """
    where = f"jury {name}" if isinstance(name, str) else "jury"
    tables = read_toml(jury_path(name)) if isinstance(name, str) else dict(name)
    table = registry.validated(JuryTable, where, tables, [*Protocol.model_fields, *JurorTable.model_fields])
    complete = _complete(table, list(models), where)
    problems = [f"{where}: {problem}" for problem in _problems(complete)]
    if problems:
        raise BadInput(*problems)
    return complete


def _complete(table: JuryTable, models: list[str], where: str) -> JuryTable:
    """With the given models and the defaults filled in, so that no defaults are left."""
    without = [n for n, juror in enumerate(table.jurors) if juror.is_model and juror.model is None]
    if models and (not without or len(models) not in (1, len(without))):
        raise BadInput(f"{where}: {len(models)} models for {len(without)} jurors that name none: give one, or one each")
    dealt = dict(zip(without, models if len(models) > 1 else models * len(without), strict=False))
    defaults = table.defaults or ModelTable()
    jurors = [
        _filled(juror, dealt.get(n), defaults) if juror.is_model else juror for n, juror in enumerate(table.jurors)
    ]
    writer = table.writer and _filled(table.writer, models[0] if models else None, defaults)
    return table.model_copy(update={"jurors": tuple(jurors), "writer": writer, "defaults": None})


def _filled(table: Table, model: str | None, defaults: ModelTable) -> Table:
    told = {key: value for key in ModelTable.model_fields if (value := getattr(defaults, key)) is not None}
    told |= {"model": model} if model else {}
    return table.model_copy(update={key: value for key, value in told.items() if getattr(table, key) is None})


def _problems(table: JuryTable) -> list[str]:
    """What contradicts itself in a complete jury."""
    problems = []
    names = table.names()
    if len(set(names)) < len(names):
        problems.append(f"two jurors have the same name: {', '.join(names)}")
    if (table.protocol.quorum or 0) > len(table.jurors):
        problems.append(f"quorum = {table.protocol.quorum}, but there are only {len(table.jurors)} jurors")
    for name, juror in zip(names, table.jurors, strict=True):
        if not juror.is_model and juror.model is not None:
            problems.append(f"juror {name} has both model = {juror.model!r} and juror = {juror.juror!r}: keep one")
        if juror.guard is not None and (not juror.is_model or juror.role is not None):
            problems.append(f"juror {name} is a guard, which has a model, and no role: leave out `juror` and `role`")
    if table.protocol.cascade and len(set(table.guards)) < 2:
        problems.append("cascade = true, where guards vote before others: it needs a guard, and a juror that is none")
    without = [
        f"juror {name}" for name, juror in zip(names, table.jurors, strict=True) if juror.is_model and not juror.model
    ]
    without += ["the writer"] if table.writer and not table.writer.model else []
    if without:
        problems.append(
            f"no model for {', '.join(without)}: name one with --jury-model or in the file, e.g. openai:NAME"
        )
    return problems


def jury_tables(table: JuryTable) -> dict[str, Any]:
    """The tables of a jury file that say the same."""
    return table.model_dump(mode="json", exclude_none=True)


def jury_versions(jury: Jury, known: Taxonomy) -> dict[str, Any]:
    """All that verdicts depend on beside the jury's own tables, in a form that TOML and JSON hold alike.

    `prompts`: versions of prompts and rules, and a hash of the scenarios, which every juror is shown. `jurors`: by name
    the version, and where a model answers what that is: its endpoint, source or files. `writer`: its model, if any.
    """
    rules = {f"{name}_rules": load_toml(f"rules/{name}.toml")["version"] for name in RULES}
    prompts = {**prompt_versions(), **rules, "scenarios": known.fingerprint()}
    writer = plain_tables(jury.writer.describe()) if jury.writer else {}
    return {"prompts": prompts, "jurors": {seat.name: _version(seat) for seat in jury.seats}, "writer": writer}


def _version(seat: Seat) -> str | dict[str, Any]:
    version = seat.juror.version
    guard = {"guard": seat.juror.family.describe()} if isinstance(seat.juror, GuardJuror) else {}
    return {"version": version, **guard, "model": plain_tables(seat.model.describe())} if seat.model else version


def build_jury(table: JuryTable, seed: int = 0) -> Jury:
    """Open the jurors. One client is shared by jurors that use the same model in the same way."""
    models: dict[str, Target] = {}
    seats = [_seat(juror, name, models) for juror, name in zip(table.jurors, table.names(), strict=True)]
    return Jury(seats, table.protocol, seed, _open(table.writer, models) if table.writer else None)


def _seat(table: JurorTable, name: str, models: dict[str, Target]) -> Seat:
    if not table.is_model:
        return Seat(name, registry.create(Juror, table.juror, f"juror {name}", **table.options), None)
    if table.guard is not None:
        guard = GuardJuror(GuardJuror.Options(family=table.guard), f"juror {name}")
        return Seat(name, guard, _open(table, models, _wants(guard.family, table, f"juror {name}")))
    role = {"role": table.role} if table.role else {}
    return Seat(name, registry.create(Juror, MODEL, f"juror {name}", **role), _open(table, models))


def _wants(guard: GuardFamily, table: ModelTable, where: str) -> dict[str, Any]:
    """The options with which a guard's model is opened where the jury file says nothing else.

    Raises BadInput for a model that cannot be asked so.
    """
    target = answering_class(str(table.model), {"base_url": table.base_url})
    if guard.request_form not in target.forms:
        raise BadInput(
            f"{where}: a {guard.name} is asked by {guard.request_form}, which target {target.name!r} does not take; say"
            f' guard = {{ like = "{guard.name}", form = "turns" }}, where its server makes the prompt'
        )
    options = target.Options.model_fields
    if target.length_option in options:  # a model on this machine
        length = {target.length_option: guard.parameters["max_tokens"]} if "max_tokens" in guard.parameters else {}
        return {**length, "raw": guard.request_form == "completion", "scores": guard.reads == "words"}
    return {"parameters": guard.parameters} if "parameters" in options else {}


def _open(table: ModelTable, models: dict[str, Target], wanted: Mapping[str, Any] = {}) -> Target:
    """`wanted` are options that the table overrules, and parameters that it adds to."""
    told = {k: getattr(table, k) for k in ("family", "base_url", "api_key_env", "timeout", "retries", "parameters")}
    options = {**wanted, **{k: v for k, v in told.items() if v is not None}}
    if wanted.get("parameters") and table.parameters:
        options["parameters"] = {**wanted["parameters"], **table.parameters}
    key = repr((table.model, options))
    if key not in models:
        models[key] = open_target(str(table.model), options)
    return models[key]
