from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from safebench import registry
from safebench.cli import doctor
from safebench.cli.doctor import BROKEN, CHOICE, MISSING, Examination, Examined, extras, missing
from safebench.cli.main import run_command
from safebench.cli.style import plain_console

PYPROJECT = tomllib.loads(Path(doctor.__file__).parents[2].joinpath("pyproject.toml").read_text(encoding="utf-8"))
MODULES = ("torch", "torchaudio", "torchcodec", "transformers", "TTS")
MEND = "pip install 'safebench[local]' torch==2.11.0 torchaudio==2.11.0 'torchcodec==0.11.*'"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put packages with these versions before all that is installed; `broken` cannot be imported."""

    def put(broken: str | None = None, **versions: str) -> None:
        for module in MODULES:
            monkeypatch.delitem(sys.modules, module, raising=False)
            code = "raise OSError('undefined symbol')" if module == broken else ""
            (tmp_path / f"{module}.py").write_text(code, encoding="utf-8")
        for name, version in versions.items():
            info = tmp_path / f"{name}-{version}.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8"
            )
        monkeypatch.syspath_prepend(str(tmp_path))

    return put


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Callable[[], dict[str, tuple[str, str]]]:
    """What is shown, by row: state and what to do. Without the recipes, which take their time."""
    monkeypatch.setattr(doctor, "load_recipes", dict)

    def shown() -> dict[str, tuple[str, str]]:
        examined = doctor.examine()
        table, healthy = examined.table(), examined.healthy
        console = plain_console(width=400)
        cells = [[console.render_str(str(cell)).plain for cell in column.cells] for column in table.columns]
        found = {what: (state, to_do) for what, state, to_do in zip(*cells, strict=True)}
        assert healthy == all(state != "broken" for state, _ in found.values())
        return found

    return shown


def test_every_extra_has_a_row_that_says_how_to_install_it(
    rows: Callable[[], dict[str, tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "missing", lambda extra: ["jinja2>=3.1"] if extra == "pages" else [])
    found = rows()
    assert {f"extra {name}" for name in PYPROJECT["project"]["optional-dependencies"]} <= set(found)
    assert found["extra pages"] == ("not installed", "pip install 'safebench[pages]'")
    assert found["extra hub"] == ("installed", "")


def test_an_extra_lacks_what_is_not_installed_or_too_old(install: Callable[..., None]) -> None:
    install(torch="2.5.1", torchaudio="2.11.0")
    lacking = missing("local")
    assert "torch>=2.6" in lacking
    assert "torchaudio>=2.6" not in lacking
    assert set(extras()) == set(PYPROJECT["project"]["optional-dependencies"])


def test_an_extra_lacks_what_those_within_it_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = ["numpy>=1.26", 'safebench[speech]; extra == "embedded"', 'surely-not-there>=1; extra == "speech"']
    monkeypatch.setattr("safebench.cli.doctor.requires", lambda name: needed)
    assert missing("embedded") == missing("speech") == ["surely-not-there>=1"]
    assert missing("other") == []


SPEECH = ("converter coqui", "converter transformers-tts", "recogniser transformers-asr")


def test_a_torchaudio_of_another_release_is_told_with_the_command_that_mends_it(
    install: Callable[..., None], rows: Callable[[], dict[str, tuple[str, str]]]
) -> None:
    install(torch="2.11.0+cpu", torchaudio="2.10.0")
    found = rows()
    for row in SPEECH:
        assert found[row] == ("broken", f"torchaudio 2.10.0 does not fit torch 2.11.0+cpu: {MEND}")
    assert found["converter typographic"][0] == "ready"


def test_a_torchaudio_of_the_same_release_that_cannot_be_imported_is_told(
    install: Callable[..., None], rows: Callable[[], dict[str, tuple[str, str]]]
) -> None:
    install("torchaudio", torch="2.11.0", torchaudio="2.11.0+cu130")
    found = rows()
    for row in SPEECH:
        state, to_do = found[row]
        assert state == "broken"
        assert "undefined symbol" in to_do
        assert to_do.endswith(MEND)


def test_a_matched_pair_is_ready(install: Callable[..., None], rows: Callable[[], dict[str, tuple[str, str]]]) -> None:
    install(torch="2.11.0+cpu", torchaudio="2.11.0")
    found = rows()
    assert [found[row] for row in SPEECH] == [("ready", "")] * len(SPEECH)


def test_the_command_shows_the_table_and_its_exit_status_tells_ill_health(
    install: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "load_recipes", dict)
    assert run_command(["doctor", "--all"]) == 0
    assert "extra pages" in capsys.readouterr().out
    install(torch="2.11.0", torchaudio="2.10.0")
    assert run_command(["doctor"]) == 1


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A third party's package whose modality and whose converter are not where it says."""
    info = tmp_path / "smells-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: smells\nVersion: 1.0\n", encoding="utf-8")
    points = "[safebench.modalities]\nsmell = smells:Smell\n[safebench.converters]\nperfume = smells.oil:Perfume\n"
    (info / "entry_points.txt").write_text(points, encoding="utf-8")
    (tmp_path / "smells.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    caches = (registry._entry_points, registry.load, registry.modality)
    for cached in caches:
        cached.cache_clear()
    yield
    sys.modules.pop("smells", None)
    for cached in caches:
        cached.cache_clear()


@pytest.mark.usefixtures("broken")
def test_a_third_partys_plugin_that_cannot_be_loaded_is_a_finding() -> None:
    examined = doctor.examine()
    healthy = examined.healthy
    what, state, to_do = ([str(cell) for cell in column.cells] for column in examined.table().columns)
    found = {name: (how, why) for name, how, why in zip(what, state, to_do, strict=True)}
    assert not healthy
    for name, point in (("modality smell", "smells:Smell"), ("converter perfume", "smells.oil:Perfume")):
        assert found[name][0] == "broken"
        assert f"({point}) cannot be imported" in found[name][1]
    assert found["recipes"][0] == "broken"
    assert found["modality image"][0] == "ready"


@pytest.mark.usefixtures("broken")
def test_a_plugin_that_cannot_be_loaded_is_listed_as_broken(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["list", "converters"]) == 0
    told = capsys.readouterr().out
    assert "perfume" in told
    assert "broken" in told
    assert "typographic" in told


def test_one_screen_counts_each_kind_and_names_what_is_missing_and_what_is_broken() -> None:
    rows = (
        Examined("extra", "hub", "installed"),
        Examined("extra", "local", "not installed", "pip install 'safebench[local]'", MISSING),
        Examined("modality", "text", "ready"),
        Examined("modality", "smell", "broken", "no nose", BROKEN),
        Examined(CHOICE, "audio:female is", "audio:b", "'a' needs x: pip install x; 'c' needs y: pip install y"),
    )
    examined = Examination(rows)
    console = plain_console(width=80, record=True)
    console.print(examined.screen())
    shown = console.export_text()
    lines = [" ".join(line.split()) for line in shown.splitlines() if line.strip()]
    assert lines[2:8] == [
        "extras 1 of 2",
        "missing: local",
        "modalities 1 of 2",
        "smell is broken: no nose",
        "audio:female is audio:b; better: 'a' needs x: pip install x",
        "each with the command for what it lacks: doctor --all",
    ]
    assert not examined.healthy
    assert Examination(rows[:3]).healthy


def test_what_the_shipped_plugins_need_fits_on_one_screen(capsys: pytest.CaptureFixture[str]) -> None:
    plain_console(width=80).print(doctor.examine().screen())
    assert len(capsys.readouterr().out.splitlines()) <= 45
