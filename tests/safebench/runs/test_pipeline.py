"""A modality that raises: its items are not rendered, the others go on, and a continued run does not stop there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modalities.image.modality import ImageModality
from modalities.text import TextModality
from safebench.errors import MissingPackage
from safebench.plugins import Asking
from safebench.runs.config import RunConfig, make_config
from safebench.runs.probing import Probing
from safebench.runs.run import run
from safebench.store.store import Store
from safebench.types import Outcome, Part


def config(folder: Path, condition: str, **more: Any) -> RunConfig:
    told = {"data": "starter", "target": "reference", "limit": 2, "workers": 1, "preflight": False, **more}
    return make_config("test", conditions=[condition], out=str(folder / "run"), **told)


def ended(folder: Path) -> list[tuple[str, str, bool]]:
    """Outcome, reason, and whether the target was asked."""
    with Store(folder / "run", readonly=True) as store:
        return [
            (row[0], row[1], row[2] is not None) for row in store.rows("SELECT outcome, reason, exchange FROM items")
        ]


def test_a_message_that_cannot_be_made_costs_its_item_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compose, asked = TextModality.compose, []

    def fail_once(self: TextModality, asking: Asking) -> tuple[Part, ...]:
        asked.append(asking.query.id)
        if len(asked) == 1:
            raise ValueError("no such text")
        return compose(self, asking)

    monkeypatch.setattr(TextModality, "compose", fail_once)
    run(config(tmp_path, "text"))
    first, second = ended(tmp_path)
    assert first == (Outcome.NOT_RENDERED, "modality text: ValueError: no such text", False)
    assert second[0] != Outcome.NOT_RENDERED
    run(config(tmp_path, "text"))
    assert len(asked) == 2
    run(config(tmp_path, "text"), retry_failed=True)
    assert Outcome.NOT_RENDERED not in {outcome for outcome, _, _ in ended(tmp_path)}


def test_a_probe_that_cannot_be_asked_leaves_its_item_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no pieces")

    monkeypatch.setattr(ImageModality, "compose", lambda self, asking: (asking.media,))  # in one piece
    monkeypatch.setattr(ImageModality, "pieces", fail)
    run(config(tmp_path, "image", probe=1.0, check_share=0.0))
    assert ended(tmp_path) == 2 * [(Outcome.NOT_RENDERED, "modality image: ValueError: no pieces", True)]


def test_a_package_that_is_missing_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MissingPackage("modality 'text'", ["nothing"], None)

    monkeypatch.setattr(TextModality, "compose", fail)
    with pytest.raises(MissingPackage):
        run(config(tmp_path, "text"))
    assert [outcome for outcome, _, _ in ended(tmp_path)] == [None, None]


def test_what_probes_need_of_all_queries_is_held_only_where_something_is_probed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    whole = Probing.__init__

    def note(self: Probing, *args: Any) -> None:
        made.append(self)
        whole(self, *args)

    monkeypatch.setattr(Probing, "__init__", note)
    run(config(tmp_path / "plain", "image:typographic"))
    assert not made
    run(config(tmp_path / "probed", "image:typographic", probe=1.0))
    assert len(made) == 1
