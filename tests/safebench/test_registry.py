from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from safebench import registry
from safebench.errors import BadInput, MissingPackage
from safebench.plugins import Converter, Modality, Plugin, PluginOptions
from safebench.types import Media

PACKAGE = """
from safebench.plugins import Converter, Modality
from safebench.types import Fidelity, Media

class Perfume(Converter):
    name, summary, takes, gives = "perfume", "smells of the query", "text", "smell"
    def convert(self, work):
        return Media.of("smell", "application/x-smell", work.text.encode())

class Smell(Modality):
    name = medium = "smell"
    summary, default_recipe = "what can be smelt", "perfume"
    def check(self, checking):
        return Fidelity("passed")
    def compose(self, asking):
        return (asking.media,)

class Half(Converter):
    name, takes = "half", "text"

class Needy(Perfume):
    needs, extra = ("no_such_package",), "smells"

class Inner(Perfume):
    needs, extra = ("no_such_package.inside",), "smells"

nothing = 3
"""
ENTRY_POINTS = """
[safebench.modalities]
smell = smells:Smell
[safebench.converters]
perfume = smells:Perfume
half = smells:Half
needy = smells:Needy
number = smells:nothing
gone = nowhere:Thing
renamed = smells:OldName
inner = smells:Inner
"""


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package as pip would have installed it: a module, and its entry points beside it."""
    info = tmp_path / "smells-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: smells\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")
    (tmp_path / "smells.py").write_text(PACKAGE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    forget()
    yield
    sys.modules.pop("smells", None)
    forget()


def forget() -> None:
    for cached in (registry._entry_points, registry.load, registry.modality):
        cached.cache_clear()


@pytest.mark.parametrize("kind", list(registry.KINDS))
def test_every_plugin_of_ours_is_complete(kind: type[Plugin]) -> None:
    assert registry.names(kind)
    for name in registry.names(kind):
        assert registry.load(kind, name).summary


@pytest.mark.usefixtures("third_party")
def test_a_third_partys_modality_is_found_like_ours() -> None:
    assert "smell" in registry.media()
    assert registry.modality("smell").default_recipe == "perfume"
    assert registry.load(Converter, "perfume").gives == "smell"


@pytest.mark.usefixtures("third_party")
def test_plugins_are_listed_by_the_name_of_their_kind() -> None:
    assert {"image", "smell"} <= {*registry.list_plugins("modalities")}
    assert "perfume" in registry.list_plugins("converters")
    with pytest.raises(BadInput, match="did you mean converters"):
        registry.list_plugins("converter")


@pytest.mark.usefixtures("third_party")
def test_an_incomplete_plugin_says_all_that_it_lacks() -> None:
    with pytest.raises(BadInput, match=r"'summary'.*'gives'.*'convert'"):
        registry.load(Converter, "half")


@pytest.mark.usefixtures("third_party")
@pytest.mark.parametrize("name", ["number", "gone", "renamed"])
def test_a_broken_entry_point_is_one_clear_error(name: str) -> None:
    with pytest.raises(BadInput, match=name):
        registry.load(Converter, name)


@pytest.mark.usefixtures("third_party")
def test_a_missing_package_comes_with_the_command_that_installs_it() -> None:
    for name in ("needy", "inner"):
        with pytest.raises(MissingPackage, match=r"pip install 'safebench\[smells\]'"):
            registry.create(Converter, name, "test")


@pytest.mark.usefixtures("third_party")
def test_a_plugin_says_what_it_lacks_before_anything_is_loaded() -> None:
    for name in ("needy", "inner"):
        missing = registry.load(Converter, name).missing(PluginOptions())
        assert missing is not None
        assert "no_such_package" in missing
        assert "pip install 'safebench[smells]'" in missing
    assert registry.load(Converter, "perfume").missing(PluginOptions()) is None


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(BadInput, match="typographic"):
        registry.load(Converter, "typografic")


def test_an_unknown_medium_names_the_known_ones() -> None:
    with pytest.raises(BadInput, match="audio"):
        registry.modality("adio")


def test_a_class_of_another_kind_is_rejected() -> None:
    with pytest.raises(BadInput, match="Modality"):
        registry.check_complete(Modality, "media", Media)
