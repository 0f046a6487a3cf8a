from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from converters.text_to_text.spoken.language import known_languages
from modalities.audio.voices import voice_of, voice_recipes
from safebench.cli.main import run_command
from safebench.datasets.load import load_dataset
from safebench.errors import MissingPackage
from safebench.files import write_toml
from safebench.rendering.alternatives import settle
from safebench.rendering.assignment import assign
from safebench.rendering.chain import RenderJob, render
from safebench.rendering.conditions import resolve_condition
from safebench.rendering.recipes import load_recipes
from safebench.resources import load_toml
from safebench.types import Query

VOICES = {name: voice for name, voice in load_toml("voices.toml").items() if name != "schema"}
EMBEDDED = [name for name, voice in VOICES.items() if voice["engine"] == "espeak"]
SENTENCES = {
    "en": "How do birds find their way home?",
    "de": "Wie finden Vögel nach Hause?",
    "es": "¿Cómo encuentran los pájaros su casa?",
    "fr": "Comment les oiseaux retrouvent-ils leur nid ?",
    "zh": "鸟儿怎么找到回家的路？",
    "hi": "पक्षी घर का रास्ता कैसे खोजते हैं?",
    "ar": "كيف تجد الطيور طريقها إلى البيت؟",
}


@pytest.mark.parametrize("name", EMBEDDED)
def test_every_embedded_voice_speaks(name: str) -> None:
    recipe = load_recipes()["audio", name]
    recipe.check()
    language = VOICES[name]["language"]
    found = render(RenderJob(Query("q", SENTENCES[language], language=language), recipe))
    assert found.faithful, found


@pytest.mark.parametrize("name", ["female", "male", "balanced"])
def test_the_names_mean_a_voice_of_the_language_of_each_query(name: str) -> None:
    known, _ = settle(load_recipes(), {})
    queries = [Query(language, text, language=language) for language, text in SENTENCES.items()]
    found = assign(known["audio", name], known, queries, 0)
    for query in queries:
        voice = VOICES[found.recipe(query).name]
        assert voice["language"] == query.language
        assert name in ("balanced", voice["gender"])


def test_every_voice_is_a_condition_of_its_name() -> None:
    recipes = load_recipes()
    for name in voice_recipes():
        assert str(resolve_condition(f"audio:{name}", recipes)) == f"audio:{name}"


def test_every_voice_speaks_the_same_words() -> None:
    recipes = [r for (medium, _), r in load_recipes().items() if medium == "audio" and r.steps and not r.control]
    assert len(recipes) >= len(voice_recipes())
    for recipe in recipes:
        language = VOICES[recipe.name]["language"]
        if language in known_languages():
            assert recipe.steps[0].use == "spoken-form", recipe.name
            assert recipe.steps[0].options.get("language", "en") == language


def test_a_voice_speaks_what_was_written_in_digits() -> None:
    recipe = load_recipes()["audio", "us-female"]
    spoken = "It takes three kilometers and five dollars."
    written, said = (render(RenderJob(Query("q", text), recipe)).media for text in ("It takes 3 km and $5.", spoken))
    assert written is not None
    assert written == said


def test_every_voice_says_who_speaks_and_under_which_licence() -> None:
    for voice in VOICES.values():
        assert {"engine", "gender", "accent", "language", "licence", "parameters"} == set(voice) - {"gate"}
        assert voice["gender"] in ("female", "male")


def test_voices_of_an_engine_that_is_not_installed_say_how_to_install_it() -> None:
    try:
        import TTS  # noqa: F401
    except ImportError:
        with pytest.raises(MissingPackage, match="local"):
            load_recipes()["audio", "vctk-female"].check()
    else:
        load_recipes()["audio", "vctk-female"].check()


@pytest.mark.parametrize(
    ("steps", "voice"),
    [
        ([{"use": "spoken-form"}, {"use": "espeak", "voice": "en-us+m6", "words_per_minute": 160}], "us-male"),
        ([{"use": "espeak", "voice": "de+f2"}, {"use": "echo", "delay": 0.2}], "espeak de+f2"),
        ([{"use": "openai-speech", "model": "tts-1", "voice": "nova"}], "openai-speech tts-1 nova"),
        ([{"use": "recorded", "folder": "/data/of/anna"}], "recorded anna"),
        ([{"use": "typographic"}], None),
    ],
)
def test_it_is_told_who_speaks(steps: list[dict[str, object]], voice: str | None) -> None:
    assert voice_of(steps) == voice


def test_recordings_of_people_join_the_study_by_a_recipes_file(tmp_path: Path) -> None:
    spoken = {query.id: query for query in load_dataset("starter").queries}["medical_advice-b1"]
    (tmp_path / "recordings").mkdir()
    clip = render(RenderJob(spoken, load_recipes()["audio", "scottish-male"])).media
    assert clip is not None
    (tmp_path / "recordings" / "medical_advice-b1.wav").write_bytes(clip.read())
    recipe = {"steps": [{"use": "recorded", "folder": str(tmp_path / "recordings")}]}
    write_toml(tmp_path / "my-voices.toml", {"audio": {"people": recipe}})
    out = tmp_path / "run"
    command = [
        "run",
        "voices",
        "--recipes",
        str(tmp_path / "my-voices.toml"),
        "-c",
        "audio:us-male",
        "-c",
        "audio:people",
    ]
    command += ["--target", "reference", "--jury", "embedded", "--limit", "2", "--workers", "1", "--out", str(out)]
    assert run_command([*command, "--max-open", "1"]) == 0
    rows = {(r["query_id"], r["condition"]): r for r in pq.read_table(out / "items.parquet").to_pylist()}
    assert rows["medical_advice-b1", "audio:people"]["media_sha256"]
    assert rows["medical_advice-h1", "audio:people"]["outcome"] == "not_rendered"
    assert rows["medical_advice-h1", "audio:us-male"]["outcome"] != "not_rendered"
