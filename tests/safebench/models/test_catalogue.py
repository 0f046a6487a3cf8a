from __future__ import annotations

import ast
import io
from pathlib import Path

import pytest
from rich.console import Console

from safebench import registry
from safebench.cli.plugin_tables import show_models
from safebench.errors import BadInput
from safebench.files import read_toml
from safebench.models.catalogue import Model, model_of, models
from safebench.models.families import families
from safebench.models.opening import open_target
from safebench.plugins import Target
from safebench.runs.config import make_config
from safebench.runs.plan import make_plan
from safebench.runs.run import run
from safebench.testing.server import chat
from safebench.types import TEXT, Message, Request, Text
from tests.fixture_types import Serve, WriteJsonl

ROOT = Path(__file__).parents[3]
# section "Targets" of the paper: 6 services, 15 open models, 3 that hear, of which Qwen2-Audio in two settings
PAPER = {
    "Claude-3.5-Sonnet", "Claude-3-Opus", "Gemini-1.5-Pro", "Gemini-1.5-Flash", "GPT-4o", "GPT-4o-mini",
    "Bunny-v1.1", "CogVLM", "GLM-4V", "InternVL", "LLaVA-v1.6-Mistral-7B",
    "LLaVA-v1.6-Vicuna-7B", "LLaVA-v1.6-Vicuna-13B", "MiniCPM-V 2.6",
    "Phi-3-Vision-128K-Instruct", "Phi-3.5-Vision-Instruct",
    "Qwen-VL-Chat", "Qwen2-VL-2B", "Qwen2-VL-7B", "ShareGPT4V", "Yi-VL-6B",
    "Mini-Omni", "Qwen-Audio", "Qwen2-Audio",
}  # fmt: skip
EVERY = pytest.mark.parametrize("model", models().values(), ids=lambda model: model.name)


def plugin(model: Model) -> tuple[type[Target], str]:
    name, _, argument = model.target.partition(":")
    return registry.load(Target, name), argument


def test_all_targets_of_the_paper_are_there() -> None:
    named = [model.paper for model in models().values() if model.paper]
    assert set(named) == PAPER
    assert len(named) == len(PAPER)


def test_code_that_comes_with_a_model_is_run_by_consent_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert [model.name for model in models().values() if model.runs_code] == [
        "bunny-llama-3-8b", "cogvlm-17b", "qwen-vl-chat", "qwen-audio-chat",
    ]  # fmt: skip
    for options in ({}, {"trust_remote_code": False}):
        with pytest.raises(BadInput, match=r"'cogvlm-17b' runs Python code.*trust_remote_code = true"):
            open_target("cogvlm-17b", options)
    assert open_target("cogvlm-17b", {"trust_remote_code": True}).accepts == {"text", "image"}


@EVERY
def test_a_model_says_how_it_is_run(model: Model) -> None:
    target, argument = plugin(model)
    assert argument
    target.Options(**model.options)  # raises for a wrong one
    family = families().get(str(model.options.get("family")))
    is_service = family is not None and bool(family.hosts)
    served_here = target.name == "openai" and not is_service
    assert bool(model.serve) == served_here
    assert served_here == any(
        "localhost" in str(url) for url in (model.options.get("base_url"), family and family.base_url)
    )
    if served_here and "--lora-modules" not in model.serve:
        assert argument in model.serve


@EVERY
def test_a_model_says_what_it_takes_and_where_that_was_read(model: Model) -> None:
    assert TEXT in model.accepts
    assert set(model.accepts) <= set(registry.media())
    assert model.source
    assert all(address.startswith("https://") for address in model.source)
    assert model.name == model.name.lower()
    assert model.name not in registry.names(Target)


@EVERY
def test_a_backbone_is_a_model_of_text_alone(model: Model) -> None:
    if model.backbone:
        assert models()[model.backbone].accepts == (TEXT,)
        assert model.accepts != (TEXT,)
        assert model_of(f"backbone-of:{model.name}") == models()[model.backbone]


@pytest.mark.parametrize(
    "model", [m for m in models().values() if m.target.startswith("python:")], ids=lambda m: m.name
)
def test_adapters_are_in_the_examples(model: Model) -> None:
    _, module, function = model.target.split(":")
    tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
    assert function in [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(BadInput, match=r"unknown target 'qwen2-audio-8b'; did you mean qwen2-audio-7b"):
        open_target("qwen2-audio-8b", {})
    with pytest.raises(BadInput, match="did you mean reference"):
        open_target("referense", {})
    with pytest.raises(BadInput, match="unknown target 'llava'"):
        open_target("backbone-of:llava", {})


def test_a_backbone_that_is_not_known_is_told_with_the_reason() -> None:
    with pytest.raises(BadInput, match=r"no text-only backbone of voxtral-mini-3b is known .*Ministral 3B"):
        open_target("backbone-of:voxtral-mini-3b", {})


def test_plug_ins_are_no_models() -> None:
    assert model_of("reference") is None
    assert model_of("openai:gpt-4o") is None


async def test_the_users_options_overrule_those_of_the_model(
    serve: Serve,
) -> None:
    server = serve(lambda call: chat("Hello."))
    options = {"base_url": server.url, "parameters": {"modalities": ["text"], "max_tokens": 5}}
    target = open_target("gpt-audio-1.5", options)
    assert (await target.ask(Request((Message("user", (Text("hello"),)),)))).text == "Hello."
    await target.close()
    body = server.calls[0].body
    assert (body["model"], body["modalities"], body["max_completion_tokens"]) == ("gpt-audio-1.5", ["text"], 5)


async def test_a_backbone_is_asked_of_the_server_that_the_user_names(serve: Serve) -> None:
    """The list runs it by transformers, which need not be installed then."""
    server = serve(lambda call: chat("Hello."))
    target = open_target("backbone-of:llava-v1.6-mistral-7b", {"base_url": server.url, "family": "vllm"})
    assert (await target.ask(Request((Message("user", (Text("hello"),)),)))).text == "Hello."
    await target.close()
    assert server.calls[0].body["model"] == "mistralai/Mistral-7B-Instruct-v0.2"
    assert models()["mistral-7b-v0.2"].target == "transformers:mistralai/Mistral-7B-Instruct-v0.2"


def test_an_adapter_is_found_behind_no_address() -> None:
    with pytest.raises(BadInput, match="base_url"):
        open_target("cogvlm-17b", {"base_url": "http://127.0.0.1:1/v1", "trust_remote_code": True})


def test_what_a_model_does_not_take_is_skipped_and_listed() -> None:
    config = make_config("test", data="starter", conditions=["text", "audio"], target="gpt-4o", out="unused")
    plan = make_plan(config)
    assert [str(condition) for condition in plan.asking.skipped] == ["audio:female"]
    assert "takes no audio; it takes image, text" in next(iter(plan.asking.skipped.values()))


def test_the_run_file_holds_what_the_name_was_resolved_to(
    serve: Serve, write_jsonl: WriteJsonl, tmp_path: Path
) -> None:
    server = serve(lambda call: chat("Hello."))
    data = str(write_jsonl([{"id": "a", "query": "hello"}]))
    config = make_config(
        "test",
        data=data,
        conditions=["text"],
        target="claude-haiku-4.5",
        base_url=server.url,
        out=str(tmp_path / "run"),
    )
    told = read_toml(run(config).folder / "run.toml")
    assert told["target"] == "claude-haiku-4.5"
    found = told["resolved"]["target"]
    assert (found["target"], found["argument"], found["base_url"]) == ("openai", "claude-haiku-4-5", server.url)
    assert found["endpoint"].startswith("anthropic ")
    run(make_config("test", **{**read_toml(tmp_path / "run" / "run.toml")}))  # it continues


def test_the_list_shows_every_name_and_command_whole_in_80_columns() -> None:
    page = io.StringIO()
    show_models(Console(file=page, width=80), [*models().values()])
    lines = page.getvalue().splitlines()
    for model in models().values():
        head = next(n for n, line in enumerate(lines) if line.startswith(f"{model.name} "))
        assert lines[head].endswith("  tried" if model.tried else "  read")
        assert len(lines[head]) <= 80
        commands = [f"    {command}" for command in (model.serve, model.target) if command]
        assert lines[head + 1 : head + 1 + len(commands)] == commands
