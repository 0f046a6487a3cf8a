from __future__ import annotations

from pathlib import Path

import pytest

from converters.text_to_speech.coqui_files import CONFIG, find_model
from safebench.errors import BadInput


@pytest.mark.parametrize("text", ["[" * 100_000, "no JSON"])
def test_a_config_that_cannot_be_read_is_bad_input(tmp_path: Path, text: str) -> None:
    (tmp_path / CONFIG).write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match="is no configuration of a Coqui model: "):
        find_model(str(tmp_path))
