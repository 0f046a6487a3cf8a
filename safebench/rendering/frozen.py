"""What the file of a run or conversion freezes, so that both go on as they began; its form when it is read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from safebench import registry
from safebench.errors import BadInput


class _FrozenTable(BaseModel):
    model_config = ConfigDict(strict=True)


class _Choice(_FrozenTable):
    recipe: str
    made_by: list[str]
    files: dict[str, str]


class _Reader(_FrozenTable):
    name: str
    version: str


class _Revision(_FrozenTable):
    queries: int
    conditions: list[str]


class _Frozen(_FrozenTable):
    chosen: dict[str, _Choice] = {}
    recognisers: dict[str, _Reader] = {}
    recipes: dict[str, str] = {}
    recipe: dict[str, dict[str, dict[str, Any]]] = {}
    dealing: dict[str, str] = {}
    revisions: list[_Revision] = []
    shard: str | None = None
    places: list[int] = []
    data: str = ""
    asked: dict[str, Any] = {}
    languages_told_by: str = ""
    prompts: dict[str, Any] = {}
    jurors: dict[str, Any] = {}
    written: dict[str, Any] = {}
    taxonomy: dict[str, Any] = {}


def check_frozen(tables: Any, file: Path) -> None:
    """Raises BadInput for what stands otherwise than it is written: people edit such files."""
    try:
        _Frozen.model_validate(tables)
    except ValidationError as error:
        mend = "put the file back from a copy"
        raise BadInput(*(f"{line}: {mend}" for line in registry.explain(error, [], str(file)))) from error
