"""What converters and recognisers ask, against a real server."""

from __future__ import annotations

import gzip

import pytest

from safebench.errors import BadInput, ConversionError, TargetRefusesService
from safebench.models.client import Endpoint, EndpointOptions
from safebench.models.error_meaning import IN_A_ROW
from safebench.testing.server import Call, Reply, ScriptedServer, error
from tests.fixture_types import Serve


def endpoint(server: ScriptedServer, **options: object) -> Endpoint:
    return Endpoint(EndpointOptions(model="m", base_url=server.url, retries=0, **options), "converter 'any'")  # type: ignore[arg-type]


def asked(one: Endpoint) -> bytes:
    create = one.client.audio.speech.with_raw_response.create
    return bytes(one.ask(create, model="m", voice="v", input="Hello.").content)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed_and_the_location_is_named(serve: Serve, status: int) -> None:
    other = serve(lambda call: Reply(b"RIFF"))
    server = serve(lambda call: Reply(b"", status, {"Location": f"{other.url}/audio/speech"}))
    with pytest.raises(ConversionError, match=f"answered {status}: .* redirects to {other.url}/audio/speech"):
        asked(endpoint(server))
    assert (len(server.calls), other.calls) == (1, [])
    server.pages["/v1/models"] = Reply(b"", status, {"Location": f"{other.url}/models"})
    with pytest.raises(BadInput, match=f"redirects to {other.url}/models"):
        endpoint(server).check()


def test_a_compressed_answer_is_read_up_to_its_limit(serve: Serve) -> None:
    body = gzip.compress(b"RIFF" * 1000)
    server = serve(lambda call: Reply(body, headers={"Content-Encoding": "gzip"}))
    assert asked(endpoint(server)) == b"RIFF" * 1000
    with pytest.raises(ConversionError, match=r"larger than 0\.001 MB"):
        asked(endpoint(server, largest_answer_mb=0.001))


def test_one_refusal_is_that_of_its_text_and_many_in_a_row_stop_the_work(serve: Serve) -> None:
    def answer(call: Call) -> Reply:
        return Reply(b"RIFF") if call.number == 1 else Reply(b"<html>blocked</html>", 403)

    one = endpoint(serve(answer))
    with pytest.raises(ConversionError, match="answered 403"):
        asked(one)
    assert asked(one) == b"RIFF"
    for _ in range(IN_A_ROW - 1):
        with pytest.raises(ConversionError):
            asked(one)
    with pytest.raises(TargetRefusesService, match="in a row were refused"):
        asked(one)


def test_a_wrong_key_stops_the_work_at_once(serve: Serve) -> None:
    with pytest.raises(TargetRefusesService, match="wrong key"):
        asked(endpoint(serve(lambda call: error(401, "wrong key"))))


def test_a_wait_that_the_body_tells_is_honoured(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Reply(b'{"error": {"code": 429, "details": [{"retryDelay": "20s"}]}}', 429, {"Retry-After": "soon"})
    one = endpoint(serve(lambda call: Reply(b"RIFF") if call.number else told))
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    one.client.max_retries = 1
    assert asked(one) == b"RIFF"
    assert 20 in waited


def test_a_version_in_the_address_goes_with_every_call(serve: Serve) -> None:
    server = serve(lambda call: Reply(b"RIFF"))
    one = Endpoint(EndpointOptions(model="m", base_url=f"{server.url}?api-version=2024-06-01"), "converter 'any'")
    assert asked(one) == b"RIFF"
    assert server.calls[0].path == "/v1/audio/speech?api-version=2024-06-01"


def test_a_proxy_of_socks_is_named_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5h://me:word@127.0.0.1:1080")
    monkeypatch.setenv("MY_KEY", "sk-secret")
    with pytest.raises(BadInput, match=r"SOCKS, socks5h://127\.0\.0\.1:1080, which is not supported: .*NO_PROXY"):
        Endpoint(EndpointOptions(model="m", base_url="https://a.example/v1", api_key_env="MY_KEY"), "converter 'any'")


def test_a_key_that_an_answer_repeats_is_masked(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-1")
    assert asked(endpoint(serve(lambda call: Reply(b"you said sk-secret-1")))) == b"you said (key)"


def test_an_answer_that_drips_has_the_time_that_a_call_has(serve: Serve) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nContent-Length: 1000\r\n\r\n"
    server = serve(lambda call: Reply(wire=head + bytes(1000), drip=0.02))
    with pytest.raises(ConversionError, match=r"no answer within 0\.3 s"):
        asked(endpoint(server, timeout=0.3))


@pytest.mark.parametrize(
    ("reply", "calls"),
    [
        (error(424, "the model is loading"), 2),
        (error(429, Retry_After="9" * 400), 2),
        (error(429, code="insufficient_quota"), 1),
        (error(429, Retry_After="86400"), 1),
        (error(400, x_should_retry="true"), 1),
    ],
)
def test_what_passes_is_asked_again_and_nothing_else(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, reply: Reply, calls: int
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    server = serve(lambda call: reply)
    one = endpoint(server)
    one.client.max_retries = 1
    with pytest.raises((ConversionError, TargetRefusesService)):
        asked(one)
    assert len(server.calls) == calls
