from __future__ import annotations

import pytest

from modalities.audio.voices import voice_recipes
from safebench.errors import MissingPackage
from safebench.recipes import load_recipes, parse_condition
from safebench.rendering import RenderJob, render
from safebench.resources import load_toml
from safebench.types import Query

EMBEDDED = [
    name for name, voice in load_toml("voices.toml").items() if name != "schema" and voice["engine"] == "espeak"
]


@pytest.mark.parametrize("name", EMBEDDED)
def test_every_embedded_voice_speaks(name: str) -> None:
    recipe = load_recipes()["audio", name]
    recipe.check()
    found = render(RenderJob(Query("q", "How do birds find their way home?"), recipe))
    assert found.faithful, found


def test_every_voice_is_a_condition_of_its_name() -> None:
    recipes = load_recipes()
    for name in voice_recipes():
        assert str(parse_condition(f"audio:{name}", recipes)) == f"audio:{name}"


def test_every_voice_says_who_speaks_and_under_which_licence() -> None:
    for name, voice in load_toml("voices.toml").items():
        if name != "schema":
            assert {"engine", "gender", "accent", "language", "licence", "parameters"} == set(voice)
            assert voice["gender"] in ("female", "male")


def test_voices_of_an_engine_that_is_not_installed_say_how_to_install_it() -> None:
    try:
        import TTS  # noqa: F401
    except ImportError:
        with pytest.raises(MissingPackage, match="local"):
            load_recipes()["audio", "vctk-female"].check()
    else:
        load_recipes()["audio", "vctk-female"].check()
