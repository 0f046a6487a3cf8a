"""Targets: models under test, and the models behind jurors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import ValidationError

from safebench import registry
from safebench.models import model_of
from safebench.plugins import Target, TargetSetup
from safebench.types import Media

Recognise = Callable[[str, Media], Awaitable[str]]


def open_target(spec: str, options: Mapping[str, Any], recognise: Recognise | None = None) -> Target:
    """The target of `NAME[:ARGUMENT]`, or of a model's short name, whose options the given ones overrule.

    Raises BadInput for an unknown name or option.
    """
    model = model_of(spec)
    if model is not None:
        return open_target(model.target, {**model.options, **options}, recognise)
    name, _, argument = spec.partition(":")
    plugin: type[Target] = registry.load(Target, name)
    registry.require(Target, name)
    try:
        return plugin(TargetSetup(argument, dict(options), recognise))
    except ValidationError as error:
        raise registry.option_errors(error, plugin, f"target {spec!r}") from error
