"""The folder of a set that is being made: what each stage wrote, from what, and whether somebody has edited it since.

`stages.toml` has, for each finished stage, hashes of what it read and of what it wrote. A stage is done again when what
it read has changed; recorded calls are not made again.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from safebench.errors import BadInput
from safebench.files import content_hash, is_claimed, read_toml, write_toml
from safebench.generation.plan import bound
from safebench.serialisation import differences

FILES = {
    "propose": "1-scenarios.jsonl",
    "write": "2-written.jsonl",
    "score": "3-scored.jsonl",
    "select": "4-selected.jsonl",
    "twin": "5-twins.jsonl",
    "package": "dataset",
}
STAGES = tuple(FILES)
PLAN_FILE = "plan.toml"
STATE_FILE = "stages.toml"
CALLS = "calls"


def folder_of(plan: Path) -> Path | None:
    """The folder of a set of which this is the plan, wherever it lay when that was written."""
    folder = plan.parent
    return folder if plan.name == PLAN_FILE and ((folder / STATE_FILE).is_file() or (folder / CALLS).is_dir()) else None


ENTRY = {"read": str, "wrote": str, "edited": bool}  # of a stage


def _read_state(file: Path) -> dict[str, dict[str, Any]]:
    """By stage. Raises BadInput for a file that is not as it was written."""
    state = read_toml(file) if file.exists() else {}
    for stage, done in state.items():
        if not (isinstance(done, dict) and {key: type(value) for key, value in done.items()} == ENTRY):
            raise BadInput(f"{file}: {stage} is no stage that is done: delete the file, and the stages are done again")
    return state


class SetFolder:
    """Of one plan only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state = _read_state(path / STATE_FILE)

    def file(self, stage: str) -> Path:
        return self.path / FILES[stage]

    def asked(self, stage: str) -> Path:
        """Beside the file of a stage: its calls to writers."""
        return self.path / f"{1 + STAGES.index(stage)}-asked.jsonl"

    def claim(self, tables: Mapping[str, Any]) -> None:
        """Write the plan down. Raises BadInput for a folder of another plan, or of something else."""
        is_claimed(self.path, PLAN_FILE, "set that is being made", lambda there: self._check_same(there, tables))
        self.path.mkdir(parents=True, exist_ok=True)
        write_toml(self.path / PLAN_FILE, tables)

    def _check_same(self, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
        differing = differences(bound(there), bound(here))
        if differing:
            shown = "; ".join(differing[:3])
            raise BadInput(f"{self.path} holds a set of another plan: it differs in {shown}; choose another --out")

    def is_due(self, stage: str) -> bool:
        """Whether a stage has to be done, for the first time or again.

        An edit since the stage wrote its file is noted. Raises BadInput where an earlier file was edited as well: doing
        the stage again would lose the later edit.
        """
        done = self._state.get(stage)
        if done is None or not self.file(stage).exists():
            return True
        if self._is_edited(stage):
            self._keep(stage, {**done, "wrote": content_hash(self.file(stage)), "edited": True})
        if done["read"] == self._read(stage):
            return False
        if self._state[stage]["edited"]:
            raise BadInput(
                f"{self.file(stage)} was edited by hand, and so was a file before it: delete {FILES[stage]} to have it "
                "made again from those before it"
            )
        return True

    def record(self, stage: str) -> None:
        """The stage is finished."""
        self._keep(stage, {"read": self._read(stage), "wrote": content_hash(self.file(stage)), "edited": False})

    def forget(self, stages: Collection[str]) -> None:
        """Have stages done again. Raises BadInput for one whose file was edited: the edit would be lost."""
        for stage in stages:
            if self._state.get(stage, {}).get("edited") or self._is_edited(stage):
                raise BadInput(f"{self.file(stage)} was edited by hand: delete it to have its stage done again")
        for stage in stages:
            self._state.pop(stage, None)
        write_toml(self.path / STATE_FILE, self._state)

    def edited(self) -> list[str]:
        """Files that somebody edited after their stage."""
        return [FILES[stage] for stage in STAGES if self._state.get(stage, {}).get("edited")]

    def clear(self, stage: str) -> None:
        """Remove what a stage wrote before: it is written anew."""
        shutil.rmtree(self.file(stage), ignore_errors=True)

    def _is_edited(self, stage: str) -> bool:
        """Since its hash was noted."""
        file, done = self.file(stage), self._state.get(stage)
        return done is not None and file.exists() and content_hash(file) != done["wrote"]

    def _keep(self, stage: str, entry: dict[str, Any]) -> None:
        self._state[stage] = entry
        write_toml(self.path / STATE_FILE, self._state)

    def _read(self, stage: str) -> str:
        before = STAGES[max(0, STAGES.index(stage) - 1)]
        files = [] if stage == STAGES[0] else [self.file(STAGES[0]), self.file(before)]
        return hashlib.sha256("".join(content_hash(file) for file in files).encode()).hexdigest()
