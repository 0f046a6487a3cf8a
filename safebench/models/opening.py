"""How a model is opened by its name: the one under test, and those behind jurors, writers and converters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from safebench.models.catalogue import model_of, model_options, run_by
from safebench.plugins import Target, TargetSetup
from safebench.registry import Recognise, load, option_errors, require


def open_target(spec: str, options: Mapping[str, Any], recognise: Recognise | None = None) -> Target:
    """The target of `NAME[:ARGUMENT]`, or of a model's short name, whose options the given ones overrule.

    Raises BadInput for an unknown name or option, and for a model that runs code of its own without consent.
    """
    model = model_of(spec)
    if model is not None:
        return open_target(run_by(model, options), model_options(model, options), recognise)
    name, _, argument = spec.partition(":")
    plugin: type[Target] = load(Target, name)
    require(Target, name)
    try:
        return plugin(TargetSetup(argument, dict(options), recognise))
    except ValidationError as error:
        raise option_errors(error, plugin, f"target {spec!r}") from error


def target_class(spec: str) -> type[Target]:
    """The class of `NAME[:ARGUMENT]`, or of a model's short name; nothing is opened."""
    return load(Target, written_out(spec).partition(":")[0])


def answering_class(spec: str, options: Mapping[str, Any] = {}) -> type[Target]:
    """The class of who answers in the end, opened with these options: behind recognisers, that of the text target."""
    name, _, argument = written_out(spec, options).partition(":")
    behind = load(Target, name).behind(argument)
    return answering_class(behind, options) if behind else load(Target, name)


def written_out(spec: str, options: Mapping[str, Any] = {}) -> str:
    """`NAME[:ARGUMENT]`, also of a model's short name."""
    model = model_of(spec)
    return run_by(model, options) if model else spec
