from __future__ import annotations

import pytest

from safebench.bridges.withholding import in_all_texts, without_paths
from safebench.types import Outcome


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("/home/jane/models/llama", "llama"),
        ("local:/home/jane doe/llama", "local:llama"),
        ("cascade:local:~/models/llama#2", "cascade:local:llama#2"),
        ("local:../../jane/llama/", "local:llama/"),
        (r"local:C:\Users\jane\llama", "local:llama"),
        ("it lacks file:///home/jane/a.json and '/srv/jane/b.json'", "it lacks a.json and 'b.json'"),
        ("model=/home/jane/llama, 3 of 4", "model=llama, 3 of 4"),
    ],
)
def test_a_path_is_cut_to_its_last_name(text: str, cut: str) -> None:
    assert without_paths(text) == cut


@pytest.mark.parametrize(
    "text",
    [
        "openai:org/model/part", "http://localhost:8000/v1/chat", "http://[::1]:80/v1/chat", "unsafe / decided / all",
        "</think>", "6/12", "image/png", "audio:female", "and/or/else",
    ],
)  # fmt: skip
def test_addresses_and_names_stay(text: str) -> None:
    assert without_paths(text) == text


def test_values_keep_their_form() -> None:
    held = {"/a/b/c": [("/a/b/d", 1), Outcome.SAFE, None], Outcome.UNSAFE: 2}
    made = in_all_texts(held, without_paths)
    assert made == {"c": [("d", 1), Outcome.SAFE, None], Outcome.UNSAFE: 2}
    assert [type(key) for key in made] == [str, Outcome]
