"""What travels beside a request, by what environment and key are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from safebench.targets.transport import UNREACHED, Transport
from safebench.testing.server import Reply, ScriptedServer, chat, dropped
from tests.fixture_types import Serve

ELSEWHERE = "models.example.com"


@asynccontextmanager
async def opened(base_url: str, key_name: str = "MY_KEY") -> AsyncIterator[Transport]:
    transport = Transport(base_url, "sk-secret", key_name, timeout=5)
    try:
        yield transport
    finally:
        await transport.close()


@pytest.mark.parametrize(
    ("key_name", "sent"),
    [("OPENAI_API_KEY", {"openai-organization": "org", "openai-project": "proj"}), ("MY_KEY", {})],
)
async def test_the_account_goes_with_the_key_of_openai_only(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, key_name: str, sent: dict[str, str]
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj")
    server = serve(lambda call: chat("ok"))
    async with opened(server.url, key_name) as transport:
        assert (await transport.post("/chat/completions", b"{}")).ok
    headers = server.calls[0].headers
    assert {name: headers[name] for name in headers if name.startswith("openai-")} == sent
    assert headers["authorization"] == "Bearer sk-secret"


async def test_a_proxy_that_the_environment_names_is_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(lambda call: chat("ok"))
    proxy = server.url.removesuffix("/v1").replace("//", "//me:word@")
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with opened(f"http://{ELSEWHERE}/v1") as transport:
        assert (await transport.post("/chat/completions", b"{}")).ok
    async with opened(server.url) as transport:  # which the proxy is not for
        assert (await transport.post("/chat/completions", b"{}")).ok
    assert [call.headers.get("proxy-authorization") for call in server.calls] == ["Basic bWU6d29yZA==", None]
    assert server.calls[0].headers["host"] == ELSEWHERE


async def test_a_proxy_may_be_named_without_a_scheme(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(lambda call: chat("ok"))
    monkeypatch.setenv("http_proxy", server.url.removesuffix("/v1").removeprefix("http://"))
    async with opened(f"http://{ELSEWHERE}/v1") as transport:
        assert (await transport.post("/chat/completions", b"{}")).ok
    assert server.calls[0].headers["host"] == ELSEWHERE


async def test_a_version_in_the_address_goes_with_every_call(serve: Serve) -> None:
    server = serve(lambda call: chat("ok"))
    async with opened(f"{server.url}/?api-version=2024-06-01") as transport:
        assert (await transport.post("/chat/completions", b"{}")).ok
    assert server.calls[0].path == "/v1/chat/completions?api-version=2024-06-01"
    assert "api-key" not in server.calls[0].headers


async def test_a_proxy_does_not_see_the_key_of_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(lambda call: dropped(), any_method=True) as proxy:
        monkeypatch.setenv("https_proxy", proxy.root.replace("//", "//me:word@"))
        async with opened(f"https://{ELSEWHERE}/v1") as transport:
            with pytest.raises(UNREACHED):
                await transport.post("/chat/completions", b"{}")
    (call,) = proxy.calls
    assert (call.method, call.path) == ("CONNECT", "models.example.com:443")
    assert call.headers["proxy-authorization"] == "Basic bWU6d29yZA=="
    assert "sk-secret" not in repr(call)


async def test_a_call_has_the_time_it_has_however_slowly_the_answer_drips(serve: Serve) -> None:
    server = serve(lambda call: chat("never asked"))
    server.pages["/v1/models"] = Reply(wire=b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", drip=0.02)
    async with opened(server.url) as transport:
        with pytest.raises(TimeoutError, match=r"no answer within 0\.3 s"):
            await transport.get("/models", seconds=0.3)
