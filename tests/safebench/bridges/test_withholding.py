from __future__ import annotations

from safebench.bridges.withholding import in_all_texts
from safebench.reports.formats import without_paths
from safebench.types import Outcome


def test_values_keep_their_form() -> None:
    held = {"/a/b/c": [("/a/b/d", 1), Outcome.SAFE, None], Outcome.UNSAFE: 2}
    made = in_all_texts(held, without_paths)
    assert made == {"c": [("d", 1), Outcome.SAFE, None], Outcome.UNSAFE: 2}
    assert [type(key) for key in made] == [str, Outcome]
