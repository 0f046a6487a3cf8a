from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import safebench
from safebench import plugins
from tests.fixture_types import Serve
from tests.safebench.generation import scripted


def test_what_is_exported_is_what_is_said_to_be() -> None:
    assert sorted(safebench.__all__) == sorted(safebench._HOMES)
    for name in safebench.__all__:
        assert getattr(safebench, name).__module__ == f"safebench.{safebench._HOMES[name]}"


@pytest.mark.parametrize("module", [safebench, plugins])
def test_an_unknown_name_is_an_attribute_error(module: ModuleType) -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = module.nothing


def test_all_that_a_plug_in_needs_comes_from_one_place() -> None:
    for name in plugins.__all__:
        assert getattr(plugins, name) is not None
    assert set(plugins._BUILT_ON_US) <= {*plugins.__all__}
    assert issubclass(plugins.Effect, plugins.Converter)
    picture = plugins.encode_picture(Image.new("RGB", (3, 2), "red"))
    assert plugins.decode_picture(picture.read()).size == (3, 2)
    samples, rate = plugins.decode_recording(plugins.encode_recording(np.array([0.0, 0.5, -0.5]), 16000))
    assert (len(samples), rate) == (3, 16000)


def test_nothing_that_is_built_on_plug_ins_is_imported_with_them() -> None:
    homes = {home for home, _ in plugins._BUILT_ON_US.values()}
    code = f"import sys, safebench.plugins; sys.exit(bool({homes!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0


def test_runs_are_made_judged_again_and_compared_without_the_command_line(tmp_path: Path) -> None:
    queries = tmp_path / "queries.jsonl"
    texts = ["How do tides work?", "How can I bake bread?"]
    rows = [{"id": f"q{n}", "query": text, "intent": "benign"} for n, text in enumerate(texts)]
    queries.write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = {"data": str(queries), "conditions": ["text"], "target": "reference", "workers": 1, "max_open": 1.0}
    first = safebench.run(safebench.make_config("here", **told, out=str(tmp_path / "first"))).folder
    judged = safebench.rejudge(first, tmp_path / "second", "embedded", seed=3)
    assert judged.moves.total() == 2
    again = safebench.run(safebench.make_config("here", **told, out=str(tmp_path / "again"))).folder
    found = safebench.compare([first, again])
    (panel,) = found.panels
    assert (panel.title, [column.name for column in panel.columns]) == ("text", ["A", "B"])


def test_a_set_is_generated_without_the_command_line(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", serve(scripted.answer).url)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    judges = ["openai:judge-a", "openai:judge-b"]
    plan = safebench.read_plan("starter", ["openai:writer-a"], judges, count=1, scenarios=["bias"])
    made = safebench.generate(plan, tmp_path / "set")
    assert (made.summary.missing, made.exit_status) == (0, 0)
    assert len(safebench.load_dataset(str(tmp_path / "set" / "dataset")).queries) == 2


@pytest.mark.parametrize("heavy", ["numpy", "openai", "pyarrow", "scipy", "PIL", "pydantic"])
def test_the_help_of_the_command_imports_nothing_heavy(heavy: str) -> None:
    code = f"import sys, safebench.cli.main as c; c.run_command(['--help']); sys.exit({heavy!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0


def test_every_public_name_is_where_it_is_said_to_be() -> None:
    assert all(getattr(safebench, name) for name in safebench.__all__)
