"""Each family against the scripted server: what it is sent, and how what it sends back is read."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from safebench.errors import BadInput, TargetRefusesService
from safebench.models.families import PLAIN, families, family_of
from safebench.models.opening import open_target
from safebench.plugins import TargetSetup
from safebench.targets.openai import OpenAITarget
from safebench.testing.server import Call, Reply, ScriptedServer, chat, error
from safebench.types import Media, Message, Request, Response, Text
from tests.fixture_types import Serve

SCHEMA = {"type": "object", "properties": {"label": {"type": "string"}}}
HELLO = Request((Message("user", (Text("hello"),)),))
PICTURE = Media.of("image", "image/png", b"\x89PNG")
CLIP = Media.of("audio", "audio/wav", b"RIFF")
WRITTEN = base64.b64encode(b"RIFF").decode()
INPUT_AUDIO = {"type": "input_audio", "input_audio": {"data": WRITTEN, "format": "wav"}}
AUDIO_URL = {"type": "audio_url", "audio_url": {"url": f"data:audio/wav;base64,{WRITTEN}"}}

# family: the part that carries a clip (None: it takes none), the name of the token limit, whether a schema is sent
SENT = {
    "plain": (INPUT_AUDIO, "max_tokens", True),
    "openai": (INPUT_AUDIO, "max_completion_tokens", True),
    "gemini": (INPUT_AUDIO, "max_completion_tokens", True),
    "anthropic": (None, "max_completion_tokens", False),
    "openrouter": (INPUT_AUDIO, "max_tokens", True),
    "minimax": (INPUT_AUDIO, "max_tokens", True),
    "zhipu": (INPUT_AUDIO, "max_tokens", True),
    "vllm": (INPUT_AUDIO, "max_completion_tokens", True),
    "sglang": (AUDIO_URL, "max_completion_tokens", True),
    "llama-cpp": (INPUT_AUDIO, "max_tokens", True),
    "ollama": (INPUT_AUDIO, "max_tokens", True),
    "transformers-serve": (INPUT_AUDIO, "max_completion_tokens", False),
}


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpenAITarget, "_wait", staticmethod(lambda *_: 0.001))
    for variable in ("GEMINI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY"):
        monkeypatch.delenv(variable, raising=False)


async def ask(server: ScriptedServer, family: Any, request: Request = HELLO, **options: Any) -> Response:
    target = open_target("openai:tested", {"base_url": server.url, "family": family, "retries": 1, **options})
    try:
        return await target.ask(request)
    finally:
        await target.close()


def replying(*replies: Reply) -> Callable[[Call], Reply]:
    return lambda call: replies[min(call.number, len(replies) - 1)]


# --- what is sent


def test_every_family_is_tested_here() -> None:
    assert set(SENT) == set(families())


@pytest.mark.parametrize("family", SENT)
async def test_a_request_is_written_as_the_family_reads_it(serve: Serve, family: str) -> None:
    clip, limit, takes_schema = SENT[family]
    server = serve(replying(chat("ok")))
    media = (PICTURE, CLIP) if clip else (PICTURE,)
    await ask(server, family, Request((Message("user", (Text("look"), *media)),), SCHEMA), parameters={"max_tokens": 9})
    body = server.calls[0].body
    text, picture, *rest = body["messages"][0]["content"]
    assert text == {"type": "text", "text": "look"}
    assert picture == {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}
    assert rest == ([clip] if clip else [])
    assert {key: body[key] for key in body if key.startswith("max_")} == {limit: 9}
    assert ("response_format" in body) == takes_schema
    if takes_schema and family != "zhipu":  # which knows JSON, and no schema
        assert body["response_format"]["json_schema"]["schema"] == SCHEMA


@pytest.mark.parametrize("family", SENT)
def test_what_a_family_drops_is_not_accepted(family: str) -> None:
    clip, _, _ = SENT[family]
    target = open_target("openai:tested", {"base_url": "http://127.0.0.1:9/v1", "family": family})
    assert ("audio" in target.accepts) == (clip is not None)
    assert {"text", "image"} <= target.accepts
    assert target.why_not("audio") == (None if clip else "endpoints of family 'anthropic' take no audio")
    assert target.why_not("image") is None


def test_a_token_limit_keeps_its_name_where_the_family_has_none_and_is_given_once() -> None:
    where = "target 'openai:m'"
    assert families()[PLAIN].sent({"max_completion_tokens": 5}, where) == {"max_completion_tokens": 5}
    assert families()["ollama"].sent({"max_completion_tokens": 5, "seed": 1}, where) == {"max_tokens": 5, "seed": 1}
    with pytest.raises(BadInput, match="max_tokens and max_completion_tokens are the same limit"):
        families()["openai"].sent({"max_completion_tokens": 5, "max_tokens": 6}, where)


def test_a_parameter_that_would_be_dropped_in_silence_is_an_error() -> None:
    with pytest.raises(BadInput, match=r"openai:m.*family 'anthropic' ignore seed"):
        open_target("openai:m", {"family": "anthropic", "parameters": {"seed": 1, "temperature": 0}})


async def test_an_endpoint_that_knows_json_but_no_schema(serve: Serve) -> None:
    server = serve(replying(chat("{}")))
    await ask(server, {"like": "vllm", "structured": "json_object"}, Request(HELLO.messages, SCHEMA))
    assert server.calls[0].body["response_format"] == {"type": "json_object"}


# --- which family


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://mine.openai.azure.com/openai/v1", "openai"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "gemini"),
        ("https://api.anthropic.com/v1", "anthropic"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("http://localhost:8000/v1", "plain"),
        ("https://api.openai.com.example.org/v1", "plain"),
        (None, "openai"),
    ],
)
def test_the_host_tells_the_family(url: str | None, name: str) -> None:
    assert family_of(None, url, "here").name == name


def test_the_users_word_outranks_the_host() -> None:
    assert family_of("vllm", "https://openrouter.ai/api/v1", "here").name == "vllm"


def test_an_unknown_family_or_key_names_the_nearest() -> None:
    with pytest.raises(BadInput, match=r"unknown family 'vlm' in target 'openai:m'; did you mean vllm"):
        open_target("openai:m", {"family": "vlm"})
    with pytest.raises(BadInput, match="did you mean structured"):
        open_target("openai:m", {"family": {"like": "vllm", "structure": "none"}})
    with pytest.raises(BadInput, match="audio encoder 'audio_uri'; did you mean audio_url"):
        open_target("openai:m", {"family": {"encoders": {"audio": "audio_uri"}}})


def test_a_familys_facts_are_part_of_what_was_asked() -> None:
    def told(family: Any) -> str:
        options = {"family": family, "base_url": "http://127.0.0.1:9/v1"}
        return str(open_target("openai:m", options).describe()["endpoint"])

    assert told("vllm").startswith("vllm ")
    assert told("vllm") == told("vllm")
    assert len({told("vllm"), told("sglang"), told({"like": "vllm"}), told({"like": "sglang"})}) == 4


def test_services_are_found_at_their_own_address_with_their_own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "not-for-others")
    gemini = open_target("openai:gemini-2.5-flash", {"family": "gemini"})
    assert isinstance(gemini, OpenAITarget)
    assert gemini.base_url == "https://generativelanguage.googleapis.com/v1beta/openai"
    with pytest.raises(BadInput, match="set GEMINI_API_KEY"):
        gemini._open()
    local = open_target("openai:m", {"family": "vllm"})
    assert isinstance(local, OpenAITarget)
    assert local.base_url == "http://127.0.0.1:1/v1"
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert families()["vllm"].url(None) == "http://localhost:8000/v1"
    assert families()["vllm"].url("http://127.0.0.1:2/v1/") == "http://127.0.0.1:2/v1"
    assert families()[PLAIN].url(None) == "https://api.openai.com/v1"


async def test_a_services_own_key_is_sent(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "for-gemini")
    monkeypatch.setenv("OPENAI_API_KEY", "for-openai")
    server = serve(replying(chat("ok")))
    await ask(server, "gemini")
    assert server.calls[0].headers["authorization"] == "Bearer for-gemini"


# --- thinking is kept and is no answer


@pytest.mark.parametrize(
    ("family", "reply"),
    [
        ("vllm", chat("Tides follow the moon.", message={"reasoning": "The moon pulls."})),
        ("vllm", chat("Tides follow the moon.", message={"reasoning_content": "The moon pulls."})),
        ("sglang", chat("Tides follow the moon.", message={"reasoning_content": "The moon pulls."})),
        ("llama-cpp", chat("Tides follow the moon.", message={"reasoning_content": "The moon pulls."})),
        ("ollama", chat("Tides follow the moon.", message={"reasoning": "The moon pulls."})),
        ("openrouter", chat("Tides follow the moon.", message={"reasoning": "The moon pulls.", "refusal": None})),
        ("transformers-serve", chat("Tides follow the moon.", message={"reasoning_content": "The moon pulls."})),
        ("transformers-serve", chat("<think>\nThe moon pulls.\n</think>\n\nTides follow the moon.")),
        ("plain", chat("The moon pulls.</think>Tides follow the moon.")),
        ("gemini", chat("<thought>The moon pulls.</thought>Tides follow the moon.")),
        (
            "plain",
            chat(
                None,
                message={
                    "content": [
                        {"type": "reasoning", "text": "The moon pulls."},
                        {"type": "text", "text": "Tides follow the moon."},
                    ]
                },
            ),
        ),
        # the same thinking in two fields, as gateways send it
        (
            "vllm",
            chat(
                "Tides follow the moon.", message=dict.fromkeys(("reasoning", "reasoning_content"), "The moon pulls.")
            ),
        ),
    ],
)
async def test_thinking_is_kept_apart(serve: Serve, family: str, reply: Reply) -> None:
    response = await ask(serve(replying(reply)), family)
    assert (response.status, response.text, response.thinking) == (
        "answered",
        "Tides follow the moon.",
        "The moon pulls.",
    )


@pytest.mark.parametrize(
    "reply",
    [
        chat("<think>First I would", finish="length"),
        chat(None, finish="length", message={"reasoning": "First I would"}),
        chat("", finish="stop", message={"reasoning_content": "First I would"}),
    ],
)
async def test_nothing_but_thinking_is_an_empty_answer(serve: Serve, reply: Reply) -> None:
    response = await ask(serve(replying(reply)), "vllm")
    assert response.status == "answered"
    assert response.empty
    assert response.thinking == "First I would"


async def test_a_refusal_in_its_own_field_is_the_answer(serve: Serve) -> None:
    reply = chat(None, message={"refusal": "I can't help with that.", "reasoning": "They ask."})
    response = await ask(serve(replying(reply)), "openai")
    assert (response.text, response.thinking) == ("I can't help with that.", "They ask.")


# --- a filter's stop is blocked, and nothing else is


def bare(finish: str, **fields: Any) -> Reply:
    """A choice without a message."""
    body = {"model": "m", "choices": [{"index": 0, "finish_reason": finish, **fields}]}
    return Reply(json.dumps(body).encode())


def inside(code: int | str, message: str, **fields: Any) -> Reply:
    """An error in a body with status 200."""
    return Reply(json.dumps({"error": {"code": code, "message": message, **fields}}).encode())


MODERATED = 'openai/gpt-4.1 requires moderation on OpenRouter. Your input was flagged for "violence".'
FLAGGED = "Invalid prompt: your prompt was flagged as potentially violating our usage policy."
RESPONSIBLE = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"violence": {"filtered": True}}}


@pytest.mark.parametrize(
    ("family", "reply"),
    [
        *[(family, chat("begins and", finish="content_filter")) for family in SENT],
        ("openai", error(400, FLAGGED, code="invalid_prompt")),
        ("openai", error(400, "filtered", code="content_filter")),
        ("gemini", bare("content_filter: PROHIBITED_CONTENT")),
        ("gemini", bare("SAFETY")),
        ("gemini", chat(None, finish="RECITATION")),
        ("anthropic", chat("begins and", finish="refusal")),
        ("openrouter", error(403, MODERATED)),
        ("openrouter", inside(403, "flagged", metadata={"flagged_input": "…"})),
        ("openrouter", bare("error", error={"code": 403, "message": MODERATED})),
        ("plain", error(400, "The response was filtered", code="ResponsibleAIPolicyViolation")),
        ("plain", inside("content_filter", "filtered", type=None, param="prompt", status=400, innererror=RESPONSIBLE)),
        ("plain", inside("content_filter", "filtered")),
        ("plain", inside("400", "x", innererror=RESPONSIBLE)),
        ("plain", Reply(json.dumps({"error": FLAGGED}).encode())),
        ("plain", bare("stop", error={"code": "content_filter", "message": "filtered"})),
        ("plain", bare("stop", message={"content": ""}, content_filter_results={"violence": {"filtered": True}})),
        ("plain", Reply(b'{"id": "x", "choices": [], "prompt_feedback": {"block_reason": "PROHIBITED_CONTENT"}}')),
        ("gemini", Reply(b'{"promptFeedback": {"blockReason": "OTHER"}, "usageMetadata": {"promptTokenCount": 9}}')),
        (
            "gemini",
            Reply(b'[{"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [{"reason": "SAFETY"}]}}]'),
        ),
        ("minimax", Reply(b'{"choices": null, "base_resp": {"status_code": 1026, "status_msg": "new_sensitive"}}')),
        ("zhipu", error(400, "\u7cfb\u7edf", code="1301")),
        ("zhipu", chat("", finish="sensitive")),
    ],
)
async def test_a_filters_stop_is_blocked(serve: Serve, family: str, reply: Reply) -> None:
    server = serve(replying(reply))
    response = await ask(server, family)
    assert response.status == "blocked"
    assert response.finish
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("family", "reply"),
    [
        ("openrouter", inside(502, "the provider is down")),
        ("openrouter", inside(429, "moderation is busy")),
        ("openrouter", bare("error", error={"code": 502, "message": "the provider is down"})),
        ("openrouter", chat("begins and", finish="error")),
        ("sglang", chat("begins and", finish="abort")),
        ("plain", error(500, "the moderation service is out of order")),
        ("plain", bare("stop")),
        ("plain", inside(500, "content_filter is down", type="content_filter")),
        ("plain", Reply(b'{"error": "model overloaded, try later"}')),
        ("plain", Reply(b'{"choices": [], "usage": {"prompt_tokens": 9}}')),
        ("plain", Reply(b'{"choices": [], "prompt_feedback": {"block_reason": "BLOCK_REASON_UNSPECIFIED"}}')),
        ("plain", Reply(b'{"choices": null, "base_resp": {"status_code": 1002, "status_msg": "rate limit"}}')),
        ("zhipu", chat("half", finish="network_error")),
    ],
)
async def test_an_answer_that_broke_off_is_a_failure_and_is_asked_again(
    serve: Serve, family: str, reply: Reply
) -> None:
    response = await ask(serve(replying(reply)), family)
    assert (response.status, response.text, len(response.attempts)) == ("failed", "", 2)
    assert (await ask(serve(replying(reply, chat("Whole."))), family)).text == "Whole."


async def test_what_a_filter_only_marked_is_judged(serve: Serve) -> None:
    marked = bare("stop", message={"content": "Here is how."}, content_filter_results={"hate": {"filtered": True}})
    response = await ask(serve(replying(marked)), "plain")
    assert (response.status, response.text) == ("answered", "Here is how.")


async def test_an_error_inside_an_answer_means_what_its_status_means(serve: Serve) -> None:
    response = await ask(serve(replying(inside(400, "unknown parameter"))), "openrouter")
    assert str(response.failure) == "openai:tested: error 400 inside HTTP 200: unknown parameter"
    assert [attempt.status for attempt in response.attempts] == [200]  # and is not tried again
    with pytest.raises(TargetRefusesService, match="error 402 inside HTTP 200"):
        await ask(serve(replying(inside(402, "insufficient credits"))), "openrouter")


async def test_a_reason_of_another_family_blocks_nothing(serve: Serve) -> None:
    response = await ask(serve(replying(chat("I decline.", finish="refusal"))), "plain")
    assert (response.status, response.text) == ("answered", "I decline.")


async def test_thinking_that_took_all_tokens_may_come_without_a_message(serve: Serve) -> None:
    response = await ask(serve(replying(bare("length"))), "gemini")
    assert response.status == "answered"
    assert response.empty
    assert response.finish == "length"


async def test_an_account_without_credits_stops_the_run(serve: Serve) -> None:
    with pytest.raises(TargetRefusesService, match="402"):
        await ask(serve(replying(error(402, "insufficient credits"))), "openrouter")


async def test_errors_in_a_list_are_read(serve: Serve) -> None:
    told = json.dumps([{"error": {"code": 400, "message": "Unknown name 'x'", "status": "INVALID_ARGUMENT"}}])
    response = await ask(serve(replying(Reply(told.encode(), 400))), "gemini")
    assert str(response.failure) == "openai:tested: HTTP 400: Unknown name 'x'"


def test_a_clip_is_as_long_as_the_user_or_else_the_maker_says() -> None:
    def told(**options: Any) -> Any:
        return OpenAITarget(TargetSetup("m", {"base_url": "http://localhost:1/v1", **options})).describe().get(LIMIT)

    assert told() is None
    assert told(family="gemini") == 34200
    assert told(family="gemini", max_audio_seconds=30) == 30
    assert told(family={"like": "vllm", LIMIT: 40}) == 40
    with pytest.raises(BadInput, match=LIMIT):
        told(family={LIMIT: 0})


LIMIT = "max_audio_seconds"
