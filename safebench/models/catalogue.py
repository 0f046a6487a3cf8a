"""Models by short names: what `data/models.toml` says of each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from safebench import registry
from safebench.errors import BadInput, unknown
from safebench.plugins import PluginOptions, Target
from safebench.resources import load_toml

BACKBONE_OF = "backbone-of"
LOCAL, SERVED = "transformers", "openai"  # targets
CONSENT = "trust_remote_code"  # the option, where a model runs Python code that comes with it


class Model(PluginOptions):
    """One model and a way to run it; the file says what each key means."""

    name: str
    title: str
    accepts: tuple[str, ...]
    size: str = ""
    target: str
    options: Mapping[str, Any] = {}
    serve: str = ""
    backbone: str = ""
    paper: str = ""
    tried: bool
    source: tuple[str, ...]
    runs_code: bool = False
    retired: str = ""
    note: str = ""


@cache
def models() -> dict[str, Model]:
    """All models, by short name, in the file's order."""
    return {name: Model(**table, name=name) for name, table in load_toml("models.toml").items()}


def model_of(spec: str) -> Model | None:
    """The model of a short name, or of `backbone-of:NAME`; None for NAME[:ARGUMENT] of a target plug-in.

    Raises BadInput for an unknown name, with the nearest ones, and for a model whose backbone is not known.
    """
    name, colon, argument = spec.partition(":")
    if name == BACKBONE_OF:
        return _backbone(argument)
    if colon or name in registry.names(Target):
        return None
    return _model(spec)


def _model(name: str) -> Model:
    if name not in models():
        raise unknown("target", name, [*registry.names(Target), *models()])
    return models()[name]


def _backbone(name: str) -> Model:
    model = _model(name)
    if not model.backbone:
        known = ", ".join(other.name for other in models().values() if other.backbone)
        why = f" ({model.note})" if model.note else ""
        raise BadInput(f"no text-only backbone of {name} is known{why}; there are those of {known}")
    return models()[model.backbone]


def run_by(model: Model, own: Mapping[str, Any]) -> str:
    """NAME:ARGUMENT of the target that runs it: the server that the user names, or else what the list says.

    A list that says `transformers:` means weights that any server can load; what runs in code of its own cannot be
    found behind an address.
    """
    here = f"{LOCAL}:"
    if own.get("base_url") and model.target.startswith(here):
        return f"{SERVED}:{model.target.removeprefix(here)}"
    return model.target


def model_options(model: Model, own: Mapping[str, Any]) -> dict[str, Any]:
    """The model's options, overruled by the user's. Raises BadInput where consent to its code is missing."""
    options = {**model.options, **own}
    if model.runs_code and not options.pop(CONSENT, False):
        raise BadInput(
            f"target {model.name!r} runs Python code that comes with the model: where you trust it, say so in a "
            f"run file, {CONSENT} = true under [options]"
        )
    return options
