"""The reference names everything that there is."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel, Field

import safebench
from safebench import registry
from safebench.runs.config import RunConfig
from website import api, commands, formats, plugins
from website.schemas import comments, schema, tables, type_words
from website.tables import cell


class Inner(BaseModel):
    """What is inside."""

    depth: float = Field(1.0, gt=0)  # metres


class Outer(BaseModel):
    name: str  # of it | all
    kind: Literal["a", "b"] = "a"
    inner: tuple[Inner, ...] = ()
    maybe: int | None = None


def test_every_command_and_option_is_on_its_page() -> None:
    page = commands.page()
    named = [name for name, _ in commands.commands()]
    assert {"safebench run", "safebench jury calibrate", "safebench data import"} <= set(named)
    assert [name for name in named if f"## {name}\n" not in page] == []
    assert "| `--fail-over LIMIT` | Exit 3 unless" in page
    assert "| `--concurrency N|auto` |" in page
    assert "medium\\[+text]" in page


def test_every_format_has_its_keys_with_their_comments_and_a_schema() -> None:
    pages = formats.pages()
    page = pages["formats.md"]
    assert [key for key in RunConfig.model_fields if f"| `{key}` |" not in page] == []
    assert "| `probe` | number (≥ 0.0, ≤ 1.0) | `0.0` | share of the rendered items" in page
    named = [f"schemas/{one.name}.schema.json" for one in (*formats.INPUTS, *formats.OUTPUTS)]
    assert [name for name in named if name not in pages] == []


def test_every_plug_in_is_on_its_page() -> None:
    page = plugins.page()
    kinds = registry.LISTED.items()
    assert [name for title, kind in kinds for name in registry.names(kind) if f"### `{name}`" not in page] == []


def test_every_public_name_is_on_its_page() -> None:
    page = api.pages()["api.md"]
    assert [name for name in safebench.__all__ if f"::: safebench.{name}\n" not in page] == []


def test_a_table_says_type_default_and_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("website.schemas.OURS", (__name__.partition(".")[0],))
    assert comments(Outer) == {"name": "of it | all"}
    written = tables(schema(Outer, without=["maybe"]))
    assert "| `name` | string | required | of it \\| all |" in written
    assert '| `kind` | `a`, `b` | `"a"` |  |' in written
    assert "| `inner` | list of table `Inner` |  |  |" in written
    assert "**`Inner`** What is inside." in written
    assert "| `depth` | number (> 0) | `1.0` | metres |" in written
    assert "maybe" not in written


def test_null_is_named_where_it_has_to_be_written() -> None:
    number = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert type_words(number) == "integer or null"
    assert type_words(number | {"default": None}) == "integer"


def test_a_cell_stays_one() -> None:
    assert cell("a | b\n[c] <d> `[e] <f>`") == "a \\| b \\[c] &lt;d> `[e] <f>`"
