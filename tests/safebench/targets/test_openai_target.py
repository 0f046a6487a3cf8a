"""The real HTTP path against a local server with scripted faults."""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections.abc import Callable
from email.utils import formatdate

import pytest

from safebench.errors import BadInput, TargetRefusesService
from safebench.models.opening import open_target
from safebench.targets.openai import OpenAITarget
from safebench.testing.server import Reply, ScriptedServer, chat, dropped, error
from safebench.types import Media, Message, Request, Response, Text
from tests.fixture_types import Serve

SHORTER = 500  # times, so that ten minutes are about a second
HELLO = Request((Message("user", (Text("hello"),)),))


@pytest.fixture
def replies(serve: Serve) -> Callable[..., ScriptedServer]:
    """A server that gives these replies in turn, the last one for ever."""

    def start(*given: Reply) -> ScriptedServer:
        return serve(lambda call: given[min(call.number, len(given) - 1)])

    return start


def target(server: ScriptedServer, **options: object) -> OpenAITarget:
    made = open_target("openai:tested", {"base_url": server.url, "retries": 2, "timeout": 5.0, **options})
    assert isinstance(made, OpenAITarget)
    return made


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off starts at half a second; here the pauses are measured, not waited for."""
    real = OpenAITarget._wait

    def short(attempt: int, told: float | None = None) -> float:
        return real(attempt, told) / SHORTER

    monkeypatch.setattr(OpenAITarget, "_wait", staticmethod(short))


async def ask(server: ScriptedServer, request: Request = HELLO, **options: object) -> Response:
    asked = target(server, **options)
    try:
        return await asked.ask(request)
    finally:
        await asked.close()


async def test_an_answer_is_read_with_its_usage_and_finish_reason(replies: Callable[..., ScriptedServer]) -> None:
    server = replies(chat("Hello."))
    response = await ask(server, parameters={"temperature": 0})
    assert (response.status, response.text, response.finish, response.model) == (
        "answered",
        "Hello.",
        "stop",
        "scripted",
    )
    assert response.usage["total_tokens"] == 2
    assert [attempt.status for attempt in response.attempts] == [200]
    body = server.calls[0].body
    assert body["messages"] == [{"role": "user", "content": "hello"}]
    assert (body["model"], body["temperature"]) == ("tested", 0)
    assert "max_tokens" not in body


@pytest.mark.parametrize("status", [408, 409, 424, 425, 429, 498, 500, 502, 503, 529])
async def test_passing_faults_are_tried_again(replies: Callable[..., ScriptedServer], status: int) -> None:
    response = await ask(replies(error(status), error(status), chat("At last.")))
    assert response.text == "At last."
    assert [attempt.status for attempt in response.attempts] == [status, status, 200]
    assert response.attempts[1].waited > 0


@pytest.mark.parametrize(
    "fault",
    [
        dropped(),
        Reply(b'{"choices": [{"mess'),
        Reply(b"<html>busy</html>"),
        Reply(b"[]"),
        Reply(b'{"error": {"message": "overloaded"}}'),
        Reply(b'{"choices": []}'),
        Reply(b'{"choices": [{"finish_reason": "stop"}]}'),
        Reply(b'{"choices": [{"message": {"content": 7}}]}'),
        Reply(b'{"choices": [{"message": {"refusal": ["no"]}}]}'),
        Reply(b'{"choices": [{"message": {"content": "Sure.", "refusal": ["no"]}}]}'),
        Reply(b'{"choices": [{"message": {"content": {"text": {"a": "b"}}}}]}'),
        Reply(b'{"choices": [{"message": {"content": [{"type": "text", "text": ["a"]}]}}]}'),
        Reply(b'{"choices": [{"message": "Sure."}]}'),
        Reply(b'{"choices": ' + b"9" * 6000 + b"}"),
        Reply(b"caf\xe9"),
    ],
)
async def test_a_dropped_connection_and_a_malformed_body_are_tried_again_and_never_an_answer(
    replies: Callable[..., ScriptedServer], fault: Reply
) -> None:
    assert (await ask(replies(fault, chat("At last.")))).text == "At last."
    response = await ask(replies(fault))
    assert (response.status, response.text) == ("failed", "")
    assert response.failure is not None
    assert len(response.attempts) == 3


@pytest.mark.parametrize(
    "message", [{"content": None, "text": "Sure."}, {"text": {"value": "Sure."}}, {"output_text": "a"}]
)
async def test_a_text_in_a_field_that_nobody_reads_is_no_empty_answer(
    replies: Callable[..., ScriptedServer], message: dict[str, object]
) -> None:
    server = replies(chat(None, message=message))
    response = await ask(server)
    assert response.failure is not None
    assert (response.failure.type, len(server.calls)) == ("unread answer", 1)


async def test_what_is_no_http_is_tried_again_and_named(replies: Callable[..., ScriptedServer]) -> None:
    babble = Reply(wire=b"hello\r\n\r\n")
    server = replies(babble)
    server.pages["/v1/models"] = babble
    asked = target(server, retries=1)
    response = await asked.ask(HELLO)
    with pytest.raises(BadInput, match="Bad status line"):
        await asked.check()
    await asked.close()
    assert [attempt.status for attempt in response.attempts] == [None, None]
    assert response.failure is not None
    assert response.failure.type == "BadStatusLine"


async def test_a_lost_connection_is_not_called_a_timeout(replies: Callable[..., ScriptedServer]) -> None:
    response = await ask(replies(dropped()), retries=0)
    assert str(response.failure) == "openai:tested: ServerDisconnectedError: Server disconnected"


async def test_a_hang_ends_with_the_timeout(replies: Callable[..., ScriptedServer]) -> None:
    started = time.monotonic()
    response = await ask(replies(chat("late", delay=30)), timeout=0.2, retries=1)
    assert response.status == "failed"
    assert str(response.failure) == "openai:tested: TimeoutError: no answer within 0.2 s"
    assert time.monotonic() - started < 10


async def test_an_error_text_never_becomes_an_answer(replies: Callable[..., ScriptedServer]) -> None:
    response = await ask(replies(error(500, "I'm sorry, I cannot help with that")))
    assert (response.status, response.text) == ("failed", "")
    assert "cannot help" in str(response.failure)


async def test_a_bad_request_is_not_tried_again(replies: Callable[..., ScriptedServer]) -> None:
    server = replies(error(400, "too long"))
    assert (await ask(server)).status == "failed"
    assert len(server.calls) == 1


async def test_retry_after_is_honoured_in_seconds_milliseconds_and_as_a_date(
    replies: Callable[..., ScriptedServer],
) -> None:
    for headers, low, high in [
        ({"Retry_After": "3"}, 3, 3.2),
        ({"retry_after_ms": "1500"}, 1.5, 1.7),
        ({"Retry_After": formatdate(time.time() + 9, usegmt=True)}, 7, 9.2),
        ({"Retry_After": "599"}, 599, 599.2),
        ({"x_ratelimit_reset": "4"}, 4, 4.2),
    ]:
        response = await ask(replies(error(429, **headers), chat("ok")))
        assert low <= response.attempts[1].waited * SHORTER <= high + SHORTER / 1000, headers


@pytest.mark.parametrize("status", [429, 200])
async def test_a_wait_that_the_body_tells_is_honoured(replies: Callable[..., ScriptedServer], status: int) -> None:
    told = {"error": {"code": 429, "message": "quota", "details": [{"retryDelay": "20s"}]}}
    response = await ask(replies(Reply(json.dumps([told]).encode(), status), chat("ok")))
    assert response.text == "ok"
    assert 20 <= response.attempts[1].waited * SHORTER <= 20.1 + SHORTER / 1000


@pytest.mark.parametrize("told", ["601", "86400", formatdate(4e9, usegmt=True)])
async def test_who_wants_a_longer_wait_than_ten_minutes_is_not_asked_again(
    replies: Callable[..., ScriptedServer], told: str
) -> None:
    server = replies(error(429, "daily limit", Retry_After=told), chat("ok"))
    response = await ask(server)
    assert (response.status, len(server.calls)) == ("failed", 1)
    assert "HTTP 429: daily limit; it wants " in str(response.failure)
    assert "s of waiting, and more than 600 s are not waited" in str(response.failure)
    assert response.attempts[0].error == str(response.failure)


@pytest.mark.parametrize("told", ["nan", "soon", "", "Thu, 99 Foo", "9" * 400, "Fri, 31 Dec 99999 23:59:59 GMT"])
async def test_a_wait_that_cannot_be_read_is_backed_off_instead(
    replies: Callable[..., ScriptedServer], told: str
) -> None:
    response = await ask(replies(error(429, Retry_After=told, retry_after_ms=told), chat("ok")))
    assert response.text == "ok"
    assert 0 < response.attempts[1].waited * SHORTER < 1.5


@pytest.mark.parametrize(
    "reply",
    [
        chat("begins and", finish="content_filter"),
        error(400, "blocked", code="content_filter"),
        error(400, "Your request was rejected by our content policy", code="content_policy_violation"),
        error(403, "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"),
    ],
)
async def test_a_filters_stop_is_blocked(replies: Callable[..., ScriptedServer], reply: Reply) -> None:
    server = replies(reply)
    assert (await ask(server)).status == "blocked"
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    "reply",
    [
        error(400, "Unknown parameter: 'moderation_level'", code="unknown_parameter"),
        error(400, "This model does not support content filter options"),
        error(400, "cannot parse 'hello, are you behind a content_filter?'"),
    ],
)
async def test_a_configuration_error_is_a_failure_whatever_words_it_holds(
    replies: Callable[..., ScriptedServer], reply: Reply
) -> None:
    response = await ask(replies(reply))
    assert response.status == "failed"
    assert response.failure is not None
    assert response.failure.type == "HTTP 400"


@pytest.mark.parametrize(
    "reply",
    [
        error(401, "bad key"),
        error(403, "no access", code="permission_denied"),
        error(404, "no such model"),
        error(429, code="insufficient_quota"),
    ],
)
async def test_a_service_that_will_never_answer_stops_the_run(
    replies: Callable[..., ScriptedServer], reply: Reply
) -> None:
    with pytest.raises(TargetRefusesService):
        await ask(replies(reply))


async def test_an_empty_answer_is_empty_and_not_tried_again(replies: Callable[..., ScriptedServer]) -> None:
    for text in ("", None):
        response = await ask(replies(chat(text)))
        assert response.status == "answered"
        assert response.empty
        assert len(response.attempts) == 1


async def test_content_in_parts_and_refusals_in_their_own_field_are_read(
    replies: Callable[..., ScriptedServer],
) -> None:
    parts = chat(None, message={"content": [{"type": "text", "text": "One "}, {"type": "text", "text": "two."}]})
    assert (await ask(replies(parts))).text == "One two."
    both = chat("Sure.", message={"refusal": "I can't help with that."})
    assert (await ask(replies(both))).text == "Sure.\nI can't help with that."
    refusal = chat(None, message={"refusal": "I can't help with that."})
    assert (await ask(replies(refusal))).text == "I can't help with that."


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ([{"type": "refusal", "refusal": "I can't help with that."}], "I can't help with that."),
        ([{"type": "text", "text": "No. "}, {"type": "refusal", "refusal": "I can't."}], "No. I can't."),
        ([{"type": "refusal", "refusal": None}], ""),
    ],
)
async def test_a_refusal_in_a_content_part_is_the_answer(
    replies: Callable[..., ScriptedServer], parts: list[dict[str, object]], told: str
) -> None:
    assert (await ask(replies(chat(None, message={"content": parts})))).text == told


async def test_a_spoken_answer_is_kept_with_its_transcript(replies: Callable[..., ScriptedServer]) -> None:
    wav = b"RIFF\x24\x00\x00\x00WAVEfmt "
    spoken = {"audio": {"id": "a", "data": base64.b64encode(wav).decode(), "transcript": "Spoken words."}}
    response = await ask(replies(chat(None, message=spoken)))
    assert response.text == "Spoken words."
    assert response.media[0].read() == wav
    assert response.media[0].mime == "audio/wav"


@pytest.mark.parametrize(
    ("content", "transcript", "text"),
    [
        ("First, take", "Here you go.", "First, take\nHere you go."),
        ("Here you go", "Here you go.", "Here you go"),
        ("Only written.", None, "Only written."),
    ],
)
async def test_what_it_wrote_and_what_it_spoke_both_count(
    replies: Callable[..., ScriptedServer], content: str, transcript: str | None, text: str
) -> None:
    spoken = {"audio": {"id": "a", "data": base64.b64encode(b"RIFF").decode(), "transcript": transcript}}
    assert (await ask(replies(chat(content, message=spoken)))).text == text


async def test_a_spoken_answer_that_cannot_be_decoded_is_no_answer(replies: Callable[..., ScriptedServer]) -> None:
    spoken = {"audio": {"id": "a", "data": "%%%", "transcript": "I refuse."}}
    assert (await ask(replies(chat(None, message=spoken)), retries=0)).status == "failed"


async def test_media_are_sent_as_parts(replies: Callable[..., ScriptedServer]) -> None:
    server = replies(chat("Seen and heard."))
    media = (Media.of("image", "image/png", b"\x89PNG"), Media.of("audio", "audio/wav", b"RIFF"))
    await ask(server, Request((Message("user", (Text("look"), *media)),)))
    text, image, audio = server.calls[0].body["messages"][0]["content"]
    assert text == {"type": "text", "text": "look"}
    assert image["image_url"]["url"] == "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
    assert audio["input_audio"] == {"data": base64.b64encode(b"RIFF").decode(), "format": "wav"}


async def test_an_endpoint_without_structured_output_is_asked_without(replies: Callable[..., ScriptedServer]) -> None:
    server = replies(error(400, "response_format is not supported"), chat("{}"))
    asked = target(server)
    request = Request(HELLO.messages, {"type": "object"})
    assert (await asked.ask(request)).text == "{}"
    await asked.ask(request)
    await asked.close()
    assert ["response_format" in call.body for call in server.calls] == [True, False, False]


@pytest.mark.parametrize(
    "reply",
    [
        error(400, "Failed to initialize samplers: failed to parse grammar", code="400"),
        error(400, "JSON schema conversion failed: unsupported type"),
        error(422, "Invalid grammar request"),
        error(500, "failed to load model vocabulary required for format"),
    ],
)
async def test_a_schema_that_the_server_cannot_take_is_left_out(
    replies: Callable[..., ScriptedServer], reply: Reply
) -> None:
    server = replies(reply, chat("{}"))
    response = await ask(server, Request(HELLO.messages, {"type": "object"}), retries=0)
    assert response.text == "{}"
    assert ["response_format" in call.body for call in server.calls] == [True, False]


async def test_a_schema_that_one_answer_did_not_follow_is_left_out_for_that_request_alone(
    replies: Callable[..., ScriptedServer],
) -> None:
    missed = error(400, "Failed to generate JSON. Please adjust your prompt.", code="json_validate_failed")
    server = replies(missed, chat("{}"))
    asked = target(server)
    request = Request(HELLO.messages, {"type": "object"})
    assert [(await asked.ask(request)).text for _ in range(2)] == ["{}", "{}"]
    await asked.close()
    assert ["response_format" in call.body for call in server.calls] == [True, False, True]


async def test_an_error_of_the_server_that_is_about_something_else_keeps_the_schema(
    replies: Callable[..., ScriptedServer],
) -> None:
    server = replies(error(500, "out of memory"), chat("{}"))
    await ask(server, Request(HELLO.messages, {"type": "object"}))
    assert ["response_format" in call.body for call in server.calls] == [True, True]


async def test_a_query_that_an_error_repeats_turns_structured_output_not_off(
    replies: Callable[..., ScriptedServer],
) -> None:
    query = "Which guided tours are there of json_schema?"
    server = replies(error(400, f"Cannot read: {query}"), chat("{}"))
    asked = target(server)
    request = Request((Message("user", (Text(query),)),), {"type": "object"})
    assert (await asked.ask(request)).status == "failed"
    assert (await asked.ask(request)).text == "{}"
    await asked.close()
    assert ["response_format" in call.body for call in server.calls] == [True, True]


# --- streams, asked for and not


STREAM = Reply(
    b'data: {"choices": [{"delta": {"content": "Flour and "}}]}\n\n'
    b'data: {"choices": [{"delta": {"content": "water."}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}}\n\n'
    b"data: [DONE]\n\n",
    headers={"Content-Type": "text/event-stream"},
)
QWEN = error(400, "This model only support stream mode, please enable the stream parameter to access the model. ")


async def test_a_stream_that_nobody_asked_for_is_read(replies: Callable[..., ScriptedServer]) -> None:
    response = await ask(replies(STREAM))
    assert (response.text, response.finish, response.usage) == ("Flour and water.", "stop", {"prompt_tokens": 3})


async def test_a_model_that_only_streams_is_asked_for_streams(serve: Serve) -> None:
    server = serve(lambda call: STREAM if call.body.get("stream") else QWEN)
    asked = target(server)
    assert [(await asked.ask(HELLO)).text for _ in range(2)] == ["Flour and water."] * 2
    await asked.close()
    assert [call.body.get("stream") for call in server.calls] == [None, True, True]
    assert server.calls[1].body["stream_options"] == {"include_usage": True}


async def test_streams_that_the_user_asked_for_are_read(serve: Serve) -> None:
    server = serve(lambda call: STREAM if call.body.get("stream") else QWEN)
    assert (await ask(server, parameters={"stream": True})).text == "Flour and water."
    assert len(server.calls) == 1


async def test_a_stream_that_broke_off_is_asked_for_again(replies: Callable[..., ScriptedServer]) -> None:
    cut = Reply(STREAM.body.partition(b"water")[0], headers=STREAM.headers)
    assert (await ask(replies(cut, STREAM))).text == "Flour and water."
    half = Reply(STREAM.body.partition(b"\n\n")[0] + b'\n\ndata: {"error": {"message": "gone"}}\n\n')
    response = await ask(replies(half))
    assert (response.status, response.text, len(response.attempts)) == ("failed", "", 3)


async def test_a_query_about_streams_that_an_error_repeats_changes_nothing(
    replies: Callable[..., ScriptedServer],
) -> None:
    query = "Why do some models only support stream mode?"
    server = replies(error(400, f"Cannot read: {query}"))
    assert (await ask(server, Request((Message("user", (Text(query),)),)))).status == "failed"
    assert len(server.calls) == 1


async def test_nobody_at_the_endpoint_is_found_before_the_run() -> None:
    asked = open_target("openai:m", {"base_url": "http://127.0.0.1:9/v1"})
    with pytest.raises(BadInput, match=r"127\.0\.0\.1:9"):
        await asked.check()
    await asked.close()


async def test_what_answers_in_another_protocol_is_named_as_what_it_is(
    replies: Callable[..., ScriptedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def told(url: str) -> list[str]:
        asked = open_target("openai:m", {"base_url": url, "retries": 0})
        with pytest.raises(BadInput) as caught:
            await asked.check()
        response = await asked.ask(HELLO)
        await asked.close()
        return [str(caught.value), str(response.failure)]

    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with ScriptedServer(lambda call: Reply(wire=b"\x05\xff"), any_method=True) as socks:
        monkeypatch.setenv("http_proxy", socks.root.removeprefix("http://"))
        for message in await told("http://models.example.com/v1"):
            assert "the proxy before it, speaks SOCKS and not HTTP" in message
    for message in await told(replies(chat("ok")).url.replace("http:", "https:")):
        assert "TLS: wrong version number; if the server speaks no TLS" in message


async def test_a_key_is_needed_for_hosts_elsewhere_and_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = open_target("openai:m", {"base_url": "https://models.example.com/v1", "api_key_env": "MY_KEY"})
    with pytest.raises(BadInput, match="MY_KEY"):
        await asked.check()
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    assert "sk-very-secret" not in repr(asked.describe())


async def test_the_key_travels_in_the_header_only(
    replies: Callable[..., ScriptedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    server = replies(chat("ok"))
    response = await ask(server)
    assert server.calls[0].headers["authorization"] == "Bearer sk-very-secret"
    assert "sk-very-secret" not in repr(response)


async def test_a_key_with_a_line_break_at_its_end_is_taken_and_one_inside_refused(
    replies: Callable[..., ScriptedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = replies(chat("ok"))
    monkeypatch.setenv("MY_KEY", "sk-secret\n")
    assert (await ask(server, api_key_env="MY_KEY")).text == "ok"
    assert server.calls[0].headers["authorization"] == "Bearer sk-secret"
    monkeypatch.setenv("MY_KEY", "sk-\nsecret")
    with pytest.raises(BadInput, match="the key in MY_KEY holds a line break"):
        await ask(server, api_key_env="MY_KEY")


@pytest.mark.parametrize(
    "url",
    [
        "https://me:secret@example.org:8443/v1",
        "https://example.org:8443/v1?api_key=secret",
        "https://example.org:8443/v1?api-version=2024-06-01&key=secret",
    ],
)
def test_a_url_that_holds_a_key_is_refused_before_it_is_written_down(url: str) -> None:
    with pytest.raises(BadInput, match=r"no key belongs into base_url \(https://example\.org:8443/v1\)") as caught:
        open_target("openai:m", {"base_url": url})
    assert "secret" not in str(caught.value)


async def test_a_key_that_a_server_repeats_is_not_recorded(
    replies: Callable[..., ScriptedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    response = await ask(replies(error(400, "sk-secret may not do this")))
    assert str(response.failure) == "openai:tested: HTTP 400: (key) may not do this"
    assert "sk-secret" not in repr(response)
    cut = await ask(replies(error(400, "x" * 296 + "sk-secret")))
    assert "sk-" not in repr(cut)
    malformed = await ask(replies(Reply(b'{"error": {"message": "of sk-secret"}}')), retries=0)
    assert "sk-secret" not in repr(malformed)
    with pytest.raises(TargetRefusesService, match=r"\(key\) is wrong"):
        await ask(replies(error(401, "sk-secret is wrong")))


PIECE = b'data: {"choices": [{"delta": {"content": "%s"}}]}\n\n'


@pytest.mark.parametrize(
    "reply",
    [
        chat("Your key is sk-secret-1."),
        chat("Hello.", message={"reasoning": "They use sk-secret-1."}),
        Reply(chat("Your key is sk-KEY.").body.replace(b"sk-KEY", b"\\u0073k-secret-1")),
        Reply(b'{"choices": [{"message": {"content": "Hi"}}], "usage": {"a": "sk-secret-1"}, "model": "sk-secret-1"}'),
        Reply(PIECE % b"sk-se" + PIECE % b"cret-1" + b"data: [DONE]\n\n"),
        Reply(b"", 307, {"Location": "http://127.0.0.1:9/?key=sk-secret-1"}),
    ],
)
async def test_a_key_that_an_answer_repeats_is_not_recorded(
    replies: Callable[..., ScriptedServer], monkeypatch: pytest.MonkeyPatch, reply: Reply
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-1")
    response = await ask(replies(reply))
    assert "sk-secret-1" not in repr(response)
    assert "(key)" in repr(response)


def test_an_unknown_option_is_named_with_the_nearest() -> None:
    with pytest.raises(BadInput, match="timeout"):
        open_target("openai:m", {"timeuot": 3})


@pytest.mark.parametrize("usage", ['"9 tokens"', "[1]", '{"generation_tps": Infinity, "total_tokens": NaN}', "1e999"])
async def test_odd_usage_costs_no_answer(replies: Callable[..., ScriptedServer], usage: str) -> None:
    body = '{"choices": [{"message": {"content": "Hello."}}], "model": ["m"], "usage": USAGE}'
    server = replies(Reply(body.replace("USAGE", usage).encode()))
    response = await ask(server)
    assert (response.status, response.text, len(server.calls)) == ("answered", "Hello.", 1)
    json.dumps(dict(response.usage), allow_nan=False)


async def test_a_deeply_nested_body_is_tried_again(replies: Callable[..., ScriptedServer]) -> None:
    server = replies(Reply(b"[" * 100_000), Reply(b'{"a":' * 100_000), chat("Hello."))
    assert (await ask(server)).text == "Hello."
    assert len(server.calls) == 3


# --- refusals of one request, and of all


BLOCKED = Reply(b"<html>Sorry, you have been blocked</html>", 403)


async def ask_all(server: ScriptedServer, times: int) -> list[str]:
    asked = target(server)
    try:
        return [(await asked.ask(HELLO)).status for _ in range(times)]
    finally:
        await asked.close()


async def test_one_query_that_a_firewall_stops_is_a_failed_call(replies: Callable[..., ScriptedServer]) -> None:
    server = replies(BLOCKED, chat("Hello."), BLOCKED, chat("Hello."))
    assert await ask_all(server, 4) == ["failed", "answered", "failed", "answered"]
    assert len(server.calls) == 4  # and it is not tried again


async def test_what_is_refused_without_end_stops_the_run_and_says_what_to_do(
    replies: Callable[..., ScriptedServer],
) -> None:
    server = replies(chat("Hello."), *[BLOCKED] * 9, chat("Hello."), BLOCKED)
    with pytest.raises(TargetRefusesService, match=r"10 requests in a row were refused: .*firewall.*--retry-failed"):
        await ask_all(server, 30)
    assert len(server.calls) == 21


@pytest.mark.parametrize("reply", [error(404, "no such model"), error(403, "no", code="permission_denied")])
async def test_after_an_answer_the_model_is_there_and_an_error_is_that_of_its_request(
    replies: Callable[..., ScriptedServer], reply: Reply
) -> None:
    assert await ask_all(replies(chat("Hello."), reply, chat("Hello.")), 3) == ["answered", "failed", "answered"]


async def test_a_key_that_is_no_longer_taken_stops_the_run_at_once(replies: Callable[..., ScriptedServer]) -> None:
    with pytest.raises(TargetRefusesService, match="401"):
        await ask_all(replies(chat("Hello."), error(401, "key revoked")), 3)


# --- other places, and bodies of any size


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_and_the_location_is_named(serve: Serve, status: int) -> None:
    other = serve(lambda call: chat("I was asked elsewhere."))
    server = serve(lambda call: Reply(b"", status, {"Location": f"{other.url}/chat/completions"}))
    response = await ask(server)
    assert response.failure is not None
    assert response.failure.type == f"HTTP {status}"
    assert f"redirects to {other.url}/chat/completions, which is not followed" in response.failure.message
    assert (len(server.calls), other.calls) == (1, [])
    server.pages["/v1/models"] = Reply(b"", status, {"Location": f"{other.url}/models"})
    asked = target(server)
    with pytest.raises(BadInput, match=f"redirects to {other.url}/models"):
        await asked.check()
    await asked.close()


async def test_a_compressed_answer_is_read_and_a_bomb_is_no_answer(replies: Callable[..., ScriptedServer]) -> None:
    packed = gzip.compress(chat("Hello.").body)
    assert (await ask(replies(Reply(packed, headers={"Content-Encoding": "gzip"})))).text == "Hello."
    bomb = gzip.compress(chat("a" * 20_000_000).body)
    server = replies(Reply(bomb, headers={"Content-Encoding": "gzip"}))
    response = await ask(server, largest_answer_mb=1)
    assert response.failure is not None
    assert (response.failure.type, len(server.calls)) == ("oversized answer", 1)
    assert "larger than 1 MB (largest_answer_mb)" in response.failure.message
