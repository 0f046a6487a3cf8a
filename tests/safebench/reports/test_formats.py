from __future__ import annotations

import pytest

from safebench.reports.formats import without_paths


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
