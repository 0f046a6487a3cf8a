"""The shipped study, with the two commands that its file names."""

from __future__ import annotations

from pathlib import Path

from pyarrow import parquet

from safebench.cli.main import run_command
from safebench.files import read_toml
from safebench.testing.server import chat
from tests.end_to_end.scripted import summary_of
from tests.fixture_types import Serve


def test_a_model_and_its_backbone_are_asked_the_same_queries(serve: Serve, tmp_path: Path) -> None:
    server = serve(lambda call: chat("I'm sorry, but I can't help with that."))
    asked: dict[str, list[str]] = {}
    for name, target in (("with", "internvl-chat-v1.5"), ("without", "backbone-of:internvl-chat-v1.5")):
        folder = tmp_path / name
        status = run_command(
            ["run", "backbone", "--target", target, "--base-url", server.url, "--limit", "4", "--out", str(folder),
             "--workers", "1", "--max-open", "1", "--allow-unproven"]
        )  # fmt: skip
        assert status == 0
        rows = parquet.read_table(folder / "items.parquet").to_pylist()
        asked[name] = [row["query_id"] for row in rows if row["condition"] == "text"]
        skipped = {cell["condition"] for cell in summary_of(folder)["skipped"]}
        assert skipped == {"audio:female"} | ({"image:typographic"} if name == "without" else set())
    assert asked["with"] == asked["without"]
    assert len(asked["with"]) == 4
    assert {call.model for call in server.calls} == {"OpenGVLab/InternVL-Chat-V1-5", "internlm/internlm2-chat-20b"}
    told = read_toml(tmp_path / "without" / "run.toml")
    assert told["target"] == "backbone-of:internvl-chat-v1.5"
    assert told["resolved"]["target"]["argument"] == "internlm/internlm2-chat-20b"
