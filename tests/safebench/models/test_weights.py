import hashlib
import re
import tomllib

import pytest

from safebench.errors import BadInput
from safebench.models import weights
from safebench.models.weights import Weights
from safebench.resources import data_path

ROOT = data_path("weights.toml").parents[1]
CONTENT = {"one.bin": b"first half ", "two.bin": b"second half"}
DIGEST = hashlib.sha256(b"first half second half").hexdigest()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package `some-weights` whose files are CONTENT, and of which no Python can be run."""
    info = tmp_path / "some_weights-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-weights\nVersion: 1.0\n")
    folder = tmp_path / "some_weights"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise SystemExit('run')")
    for name, data in CONTENT.items():
        (folder / name).write_bytes(data)
    monkeypatch.syspath_prepend(tmp_path)
    weights._located.cache_clear()
    yield folder
    weights._located.cache_clear()


def made(*parts, sha256=DIGEST):
    said = dict.fromkeys(("about", "licence", "source", "published"), "x")
    files = {"model.bin": {"sha256": sha256, "parts": parts}}
    return Weights(name="w", plugin="p", argument="a", extra="e", packages={"some-weights": "1.0"}, files=files, **said)


HALVES = ("some-weights/some_weights/one.bin", "some-weights/some_weights/two.bin")


def test_parts_are_joined_in_order_and_no_python_of_the_package_is_run(package):
    assert made(*HALVES).installed
    assert made(*HALVES).read() == {"model.bin": b"first half second half"}


def test_other_bytes_than_those_that_were_pinned_are_an_error_with_the_way_out(package):
    with pytest.raises(BadInput, match=r"SHA-256 .*--force-reinstall --no-deps some-weights==1\.0"):
        made(*reversed(HALVES)).read()


@pytest.mark.parametrize("part", ["some-weights/some_weights/three.bin", "no-such-package/one.bin"])
def test_what_is_not_installed_is_told_by_the_command_that_installs_it(package, part):
    assert not made(HALVES[0], part).installed
    with pytest.raises(BadInput, match=re.escape("pip install 'safebench[e]'")):
        made(HALVES[0], part).read()


def test_the_digest_changes_with_any_file():
    assert made(*HALVES).digest != made(*HALVES, sha256="0" * 64).digest


def test_the_first_that_is_installed_is_the_default_and_others_are_chosen_by_name(package, monkeypatch):
    other = made("no-such-package/one.bin").model_copy(update={"argument": "other"})
    mine = made(*HALVES)
    monkeypatch.setattr(weights, "known", lambda plugin: (other, mine))
    assert weights.find("p") == mine
    assert weights.find("p", "a") == mine
    assert weights.find("p", "other") is None


def test_every_package_is_pinned_by_its_extra():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = pyproject["project"]["optional-dependencies"]
    tables = [
        table for table in tomllib.loads(data_path("weights.toml").read_text()).values() if isinstance(table, dict)
    ]
    assert tables
    for table in tables:
        assert {f"{name}=={version}" for name, version in table["packages"].items()} <= {*extras[table["extra"]]}
        hashed = (ROOT / f"requirements-{table['extra']}.txt").read_text()
        assert all(f"{name}=={version} --hash=sha256:" in hashed for name, version in table["packages"].items())
        named = {part.partition("/")[0] for file in table["files"].values() for part in file["parts"]}
        assert named == {*table["packages"]}
