from __future__ import annotations

from pathlib import Path

import pytest

from converters.text_to_image.diffusers_files import INDEX, check_folder
from safebench.errors import BadInput


@pytest.mark.parametrize("text", ["[" * 100_000, "no JSON", "[]"])
def test_an_index_that_cannot_be_read_is_bad_input(tmp_path: Path, text: str) -> None:
    (tmp_path / INDEX).write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match="is no list of a pipeline's parts: "):
        check_folder(str(tmp_path))
