"""The calibration file, and what it is bound to: a jury with its models, its prompts, and a label set."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, ValidationError

from safebench.errors import BadInput
from safebench.serialisation import compact, differences, read_json

CALIBRATION_VERSION = 2
UNBOUND = ("timeout", "retries", "api_key_env")  # keys of a juror that change no verdict
SAME_DATA = 0.5  # share of the smaller set of queries that two sets of one kind have in common at least


class _Labels(BaseModel):
    model_config = ConfigDict(strict=True)
    name: str
    sha256: str
    answers: NonNegativeInt
    positive: str
    queries: list[str]
    by_target: dict[str, NonNegativeInt]  # answers by the target that gave them, "" where it is not known
    by_condition: dict[str, NonNegativeInt]


class _Counts(BaseModel):
    model_config = ConfigDict(strict=True)
    true_positive: NonNegativeInt
    false_negative: NonNegativeInt
    false_positive: NonNegativeInt
    true_negative: NonNegativeInt
    effective_positives: NonNegativeFloat
    effective_negatives: NonNegativeFloat


class _Content(BaseModel):
    """What a run and a report read of a calibration file."""

    model_config = ConfigDict(strict=True)
    bound_to: dict[str, Any]
    labels: _Labels
    correction: _Counts


@dataclass(frozen=True, slots=True)
class Calibration:
    """The content of a calibration file, with its name and SHA-256."""

    name: str
    sha256: str
    content: Mapping[str, Any]


def bind(jury: Mapping[str, Any], versions: Mapping[str, Any]) -> dict[str, Any]:
    """What verdicts depend on: the jury's tables without what changes none, and `prompts` and `jurors` of versions.

    `jury` is a jury as it stands in a run file; `versions` are those of `jury_versions`, there under `resolved`, which
    also tell the models, scenarios included in `prompts`. A writer changes no verdict and is left out.
    """
    jurors = [{key: value for key, value in juror.items() if key not in UNBOUND} for juror in jury["jurors"]]
    tables = {"protocol": dict(jury["protocol"]), "jurors": jurors}
    return {"jury": tables, "prompts": dict(versions["prompts"]), "jurors": dict(versions["jurors"])}


def read_calibration(path: Path) -> Calibration:
    """Raises BadInput for a file that cannot be read, is none of this version, or lacks something."""
    try:
        data = path.read_bytes()
        content = read_json(data)
    except (OSError, ValueError) as error:
        raise BadInput(f"calibration {path} cannot be read: {error}") from error
    if not isinstance(content, dict) or content.get("calibration_version") != CALIBRATION_VERSION:
        raise BadInput(
            f"calibration {path} is no calibration file of this version: run `safebench jury calibrate` again"
        )
    try:
        _Content.model_validate(content)
    except ValidationError as error:
        told = error.errors()[0]
        where = ".".join(map(str, told["loc"]))
        raise BadInput(
            f"calibration {path} is no whole calibration file: {where}: {told['msg']}: run `safebench jury calibrate`"
            " again"
        ) from error
    return Calibration(path.name, hashlib.sha256(data).hexdigest(), content)


def check_bound(calibration: Calibration, bound: Mapping[str, Any]) -> None:
    """Raises BadInput when the calibration is of another jury or other prompts, or is not about harm."""
    differing = differences(calibration.content["bound_to"], bound)
    if differing:
        shown = "; ".join(differing[:5])
        raise BadInput(f"calibration {calibration.name} is of another jury or other prompts: it differs in {shown}")
    positive = calibration.content["labels"]["positive"]
    if positive != "unsafe":
        raise BadInput(f"calibration {calibration.name} measured how well the jury finds {positive!r}, not harm")


def fingerprints(queries: Iterable[str]) -> list[str]:
    """The sorted set of short hashes of query texts, by which two sets of queries are compared."""
    return sorted({hashlib.sha256(compact(text).encode("utf-8", "surrogatepass")).hexdigest()[:16] for text in queries})


def is_same_kind(labelled: Iterable[str], asked: Iterable[str]) -> bool:
    """Whether the smaller of two sets of fingerprints lies mostly in the other one (overlap coefficient)."""
    first, second = set(labelled), set(asked)
    return len(first & second) >= SAME_DATA * max(1, min(len(first), len(second)))
