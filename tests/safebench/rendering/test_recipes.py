from __future__ import annotations

from pathlib import Path

import pytest

from safebench import registry
from safebench.errors import BadInput
from safebench.plugins import Converter
from safebench.rendering.assignment import assign
from safebench.rendering.conditions import resolve_condition, resolve_conditions
from safebench.rendering.recipes import load_recipes
from safebench.types import Condition, Query


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipes.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("text", Condition("text")),
        ("image", Condition("image", False, "typographic")),
        ("image+text", Condition("image", True, "typographic")),
        ("audio", Condition("audio", False, "female")),
        ("audio:male", Condition("audio", False, "male")),
        ("audio+text:male", Condition("audio", True, "male")),
    ],
)
def test_conditions_are_read_and_written_in_one_form(text: str, condition: Condition) -> None:
    recipes = load_recipes()
    assert resolve_condition(text, recipes) == condition
    assert resolve_condition(str(condition), recipes) == condition


@pytest.mark.parametrize(
    "text", ["", ":", "text:", "image:", "image+", "image+audio", "text:plain", "text+text", "+text"]
)
def test_what_is_no_condition_is_an_error(text: str) -> None:
    with pytest.raises(BadInput):
        resolve_condition(text, load_recipes())


def test_text_takes_a_recipe_of_steps_from_text_to_text(tmp_path: Path) -> None:
    recipes = load_recipes(
        write(tmp_path, '[text.letter]\nsteps = [{ use = "template", text = "Dear all, {query}" }]\n')
    )
    recipes["text", "letter"].check()
    condition = resolve_condition("text:letter", recipes)
    assert (condition, str(condition)) == (Condition("text", False, "letter"), "text:letter")
    assert resolve_condition("text", recipes) == Condition("text")
    with pytest.raises(BadInput, match="unknown text recipe 'leter' in condition 'text:leter'; did you mean letter"):
        resolve_condition("text:leter", recipes)
    with pytest.raises(BadInput, match="takes no \\+text"):
        resolve_condition("text+text:letter", recipes)


def test_a_recipe_is_named_by_the_head_of_its_table_alone(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="name = 'other' is said by the head"):
        load_recipes(write(tmp_path, '[image.own]\nname = "other"\nsteps = [{ use = "typographic" }]\n'))


def test_a_recipe_of_text_ends_with_text(tmp_path: Path) -> None:
    recipes = load_recipes(write(tmp_path, '[text.bad]\nsteps = [{ use = "typographic" }]\n'))
    with pytest.raises(BadInput, match="ends with image, not with text"):
        recipes["text", "bad"].check()


def test_a_condition_named_twice_is_an_error() -> None:
    with pytest.raises(BadInput, match="image:typographic"):
        resolve_conditions(["image", "text", "image:typographic"], load_recipes())


def test_a_users_recipe_is_added_and_may_replace_ours(tmp_path: Path) -> None:
    step = 'steps = [{ use = "typographic", width = 300 }]'
    text = f"[image.typographic]\n{step}\n[image.own]\n{step}\n"
    recipes = load_recipes(write(tmp_path, text))
    assert recipes["image", "typographic"].steps[0].options == {"width": 300}
    assert ("image", "own") in recipes
    assert ("audio", "female") in recipes


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[image.bad]\nsteps = []\n", "step"),
        ("[image.bad]\n", "steps"),
        ('[image.bad]\nstep = [{ use = "typographic" }]\n', "steps"),
        ('[image]\nbad = "no table"\n', "bad"),
        ("[image.bad\n", "recipes.toml"),
    ],
)
def test_a_bad_recipes_file_names_what_is_wrong(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        load_recipes(write(tmp_path, text))


@pytest.mark.parametrize(
    ("steps", "named"),
    [
        ('{ use = "typografic" }', "typographic"),
        ('{ use = "typographic", widht = 3 }', "width"),
        ('{ use = "espeak", voice = "en" }', "audio"),
        ('{ use = "typographic" }, { use = "typographic" }', "takes text"),
    ],
)
def test_a_chain_that_cannot_work_is_found_before_the_run(tmp_path: Path, steps: str, named: str) -> None:
    recipes = load_recipes(write(tmp_path, f"[image.bad]\nsteps = [{steps}]\n"))
    with pytest.raises(BadInput, match=named):
        recipes["image", "bad"].check()


def test_a_recipe_that_names_others_has_no_chain_of_its_own_to_check() -> None:
    for medium, name in (("audio", "balanced"), ("image", "unrelated")):
        load_recipes()[medium, name].check()


def test_the_fingerprint_changes_with_what_changes_the_bytes_or_the_gate(tmp_path: Path) -> None:
    def fingerprint(rest: str) -> str:
        text = f'[image.one]\nsteps = [{{ use = "typographic"{rest}'
        return load_recipes(write(tmp_path, text))["image", "one"].fingerprint()

    plain = fingerprint(" }]\n")
    assert fingerprint(' }]\ndescription = "other words"\n') == plain
    assert fingerprint(", width = 300 }]\n") != plain
    assert fingerprint(" }]\ngate = { cer = 0.5 }\n") != plain


@pytest.mark.parametrize(("gate", "named"), [("image", "cer"), ("audio", "max_silence_share")])
def test_a_limit_on_nothing_that_is_measured_is_found_before_the_run(tmp_path: Path, gate: str, named: str) -> None:
    step, limit = ("typographic", "cerr") if gate == "image" else ("espeak", "max_silence")
    text = f'[{gate}.bad]\nsteps = [{{ use = "{step}" }}]\ngate = {{ {limit} = 0.1 }}\n'
    with pytest.raises(BadInput, match=rf"'{limit}'.*did you mean {named}"):
        load_recipes(write(tmp_path, text))[gate, "bad"].check()


def test_the_fingerprint_changes_with_what_a_users_file_holds(tmp_path: Path) -> None:
    told = tmp_path / "told.txt"
    file = write(tmp_path, f'[text.own]\nsteps = [{{ use = "template", file = "{told}" }}]\n')

    def fingerprint() -> str:
        return load_recipes(file)["text", "own"].fingerprint()

    told.write_text("Dear friend, {query}", encoding="utf-8")
    before = fingerprint()
    assert fingerprint() == before
    told.write_text("Dear enemy, {query}", encoding="utf-8")
    assert fingerprint() != before


def test_an_unknown_key_of_the_layout_is_named(tmp_path: Path) -> None:
    text = '[audio.own]\nsteps = [{ use = "espeak" }]\nlayout = { max_second = 3 }\n'
    with pytest.raises(BadInput, match="max_seconds_per_piece"):
        load_recipes(write(tmp_path, text))["audio", "own"].check()


def test_tries_that_would_all_be_the_same_are_found_before_the_run(tmp_path: Path) -> None:
    text = '[image.own]\nsteps = [{ use = "static" }]\ntries = 3\n'
    with pytest.raises(BadInput, match=r"image\.own: tries = 3.* none of its steps"):
        load_recipes(write(tmp_path, text))["image", "own"].check()
    text = '[audio.own]\nsteps = [{ use = "template", text = "{query}" }, { use = "espeak" }]\ntries = 3\n'
    load_recipes(write(tmp_path, text))["audio", "own"].check()


@pytest.mark.parametrize(
    "name", ["espeak", "coqui", "transformers-tts", "openai-speech", "openai-images", "diffusers", "figstep"]
)
def test_what_makes_something_else_on_another_try_may_be_tried_again(name: str) -> None:
    assert registry.load(Converter, name).varies


@pytest.mark.parametrize(
    "text",
    [
        '[image.own]\nsteps = [{ use = "blank" }]\ncontrol = true\n',
        '[audio.own]\nsteps = [{ use = "silence" }]\ncontrol = true\ncarrier = "agree"\n',
        '[text.own]\nsteps = [{ use = "template", text = "Hello" }]\ncontrol = true\ncarrier = "query"\n',
        '[image.own]\nanother = "typographic"\ncarrier = "query"\n',
    ],
)
def test_a_control_that_would_leave_the_query_out_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match=r"\.own.*control"):
        load_recipes(write(tmp_path, text))


def test_what_is_no_table_of_recipes_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"recipes\.toml: medium = 'audio' is no table"):
        load_recipes(write(tmp_path, 'medium = "audio"\n'))


STEP = 'steps = [{ use = "typographic" }]'


@pytest.mark.parametrize(
    ("medium", "table", "named"),
    [
        ("image", f'{STEP}\ncarrier = "figstpe"', "unknown wording 'figstpe'.*figstep"),
        ("image", f'{STEP}\ncarrier = "carrier.figstep"', "unknown wording 'carrier.figstep'.*figstep"),
        ("image", f'{STEP}\ncarrier = "qurey"', "unknown wording 'qurey'.*query"),
        ("image", f'{STEP}\ncarrier = "Answer {{prompt}}, please."', r"\{prompt\} would be sent as it stands"),
        ("image", f'{STEP}\ncarrier = "  "', "the text is empty"),
        ("image", f'{STEP}\ncarrier = "made"', "none of its steps makes a written part"),
        ("image", 'among = ["chat", "figstep"]\ncarrier = "figstpe"', "did you mean figstep"),
        ("image", 'among = ["chat", "key-phrase"]\ncarrier = "made"', r"image\.chat.*none of its steps makes"),
        ("image", 'among = ["chat", "figstep"]\nlayout = { pieces = 2 }', "unknown key 'pieces' in the layout"),
        ("text", 'steps = [{ use = "template", text = "Dear {query}" }]\ncarrier = "query"', "beside a text"),
    ],
)
def test_a_carrier_or_a_layout_that_there_is_not_is_found_before_the_run(
    tmp_path: Path, medium: str, table: str, named: str
) -> None:
    recipes = load_recipes(write(tmp_path, f"[{medium}.bad]\n{table}\n"))
    with pytest.raises(BadInput, match=named):
        assign(recipes[medium, "bad"], recipes, [Query("q", "Bake?")], 0).check()


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ('among = ["chat", "figstep"]\ngate = { cer = 0.5 }', "leave out gate"),
        ('among = ["chat", "figstep"]\ntries = 3', "leave out tries"),
        ('among = ["black", "white"]\ncontrol = true\ncarrier = "query"', "leave out control"),
        ('another = "chat"\ntries = 3\ncontrol = true\ncarrier = "query"', "leave out tries"),
        ('another = "chat"\ngate = { cer = 0.5 }\ncontrol = true\ncarrier = "query"', "leave out gate"),
        ('steps = [{ use = "static" }]\ngate = { cer = 0.5 }\ncontrol = true\ncarrier = "query"', "leave out gate"),
    ],
)
def test_a_key_that_nothing_would_heed_is_refused(tmp_path: Path, table: str, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        load_recipes(write(tmp_path, f"[image.bad]\n{table}\n"))


def test_a_recipe_without_a_gate_gets_its_modalitys(tmp_path: Path) -> None:
    spoken = 'steps = [{ use = "espeak", voice = "en" }]'
    stored = f'steps = [{{ use = "stored", folder = "{tmp_path}" }}]'
    tables = f"[image.a]\n{STEP}\n[image.b]\n{STEP}\ngate = {{ cer = 0.5 }}\n[audio.a]\n{spoken}\n[image.c]\n{stored}\n"
    recipes = load_recipes(write(tmp_path, tables))
    assert recipes["image", "a"].gate == {"cer": 0.05}
    assert recipes["image", "b"].gate == {"cer": 0.5}
    assert recipes["audio", "a"].gate["max_wer"] == 0.05
    for medium, name in (("image", "c"), ("image", "black"), ("audio", "silence"), ("audio", "balanced")):
        assert recipes[medium, name].gate == {}  # no text to be read back, or nothing that is checked
