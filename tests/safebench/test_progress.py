from __future__ import annotations

from safebench.progress import NoProgress, tell_items


class Listening(NoProgress):
    def __init__(self) -> None:
        self.told: list[tuple[str, int, int, int]] = []

    def planned(self, name: str, total: int, done: int = 0, still_open: int = 0) -> None:
        self.told.append((name, total, done, still_open))


def test_items_without_an_outcome_are_to_be_done_and_open_ones_are_counted() -> None:
    progress = Listening()
    tell_items(progress, {"text": {None: 3, "safe": 2, "undecided": 1}, "audio:female": {"blocked": 4}})
    assert progress.told == [("text", 6, 3, 1), ("audio:female", 4, 4, 0)]
