"""A client of the user's own: what it sends is its own, what comes back means what it means over our own way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from safebench.errors import BadInput, TargetRefusesService
from safebench.models.opening import open_target
from safebench.targets.openai_sdk import OpenAISdkTarget
from safebench.testing.server import Call, Reply, ScriptedServer, chat, dropped, error
from safebench.types import Message, Request, Response, Text
from tests.fixture_types import Serve

PLAIN = """
import openai
client = openai.AsyncOpenAI(base_url={url!r}, api_key="sk-secret-of-mine", default_headers={{"x-team": "safety"}})
"""
AZURE = """
import openai
def client():
    return openai.AsyncAzureOpenAI(
        azure_endpoint={url!r}, api_version="2024-10-21", azure_ad_token_provider=lambda: "token-of-the-day"
    )
"""
Opened = Callable[..., OpenAISdkTarget]


@pytest.fixture
def opened(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """A target with the client that a module makes, and the server that it asks; each module has a name of its own."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(answer: Callable[[Call], Reply], source: str = PLAIN, **options: object) -> OpenAISdkTarget:
        make.server = serve(answer)
        name = f"users_client_{abs(hash(tmp_path))}_{len(list(tmp_path.iterdir()))}"
        (tmp_path / f"{name}.py").write_text(source.format(url=make.server.url))
        return open_target("openai-sdk:my-model", {"client": f"{name}:client", **options})

    return make


def server_of(opened: Opened) -> ScriptedServer:
    return opened.server


async def ask(target: OpenAISdkTarget, schema: dict[str, object] | None = None) -> Response:
    try:
        return await target.ask(Request((Message("user", (Text("hello"),)),), schema))
    finally:
        await target.close()


async def test_what_the_client_is_set_up_with_goes_along_and_parameters_are_sent_as_they_are(opened: Opened) -> None:
    target = opened(lambda call: chat("Hi."), family="vllm", parameters={"max_tokens": 5, "top_k": 3})
    response = await ask(target, {"type": "object"})
    (call,) = server_of(opened).calls
    assert (response.text, response.finish) == ("Hi.", "stop")
    assert call.headers["x-team"] == "safety"
    assert call.headers["authorization"] == "Bearer sk-secret-of-mine"
    assert (call.body["model"], call.body["max_completion_tokens"], call.body["top_k"]) == ("my-model", 5, 3)
    assert call.body["response_format"]["type"] == "json_schema"


async def test_azure_is_asked_at_its_own_path_by_its_own_login(opened: Opened) -> None:
    target = opened(lambda call: chat("Hi."), AZURE)
    assert (await ask(target)).text == "Hi."
    (call,) = server_of(opened).calls
    assert call.path.endswith("/deployments/my-model/chat/completions?api-version=2024-10-21")
    assert call.headers["authorization"] == "Bearer token-of-the-day"


async def test_the_attempts_are_ours(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpenAISdkTarget, "_wait", staticmethod(lambda attempt, wanted=None: 0.0))
    replies = [error(503, "busy"), dropped(), chat("Hi.")]
    response = await ask(opened(lambda call: replies[call.number], retries=2))
    assert response.text == "Hi."
    assert [attempt.status for attempt in response.attempts] == [503, None, 200]
    assert len(server_of(opened).calls) == 3


async def test_a_filters_stop_is_blocked_and_a_wrong_key_ends_the_run_without_being_repeated(opened: Opened) -> None:
    stopped = error(400, "no", code="content_filter")
    assert (await ask(opened(lambda call: stopped))).status == "blocked"
    wrong = error(401, "Incorrect API key provided: sk-secret-of-mine")
    with pytest.raises(TargetRefusesService, match=r"Incorrect API key provided: \(key\)"):
        await ask(opened(lambda call: wrong))


async def test_an_answer_that_is_too_large_is_not_taken(opened: Opened) -> None:
    response = await ask(opened(lambda call: chat("a" * 4000), largest_answer_mb=0.002, retries=0))
    assert (response.status, response.failure.type) == ("failed", "oversized answer")


async def test_a_login_that_fails_is_a_failure_with_its_reason(opened: Opened) -> None:
    source = AZURE.replace('lambda: "token-of-the-day"', "lambda: 1 / 0")
    response = await ask(opened(lambda call: chat("Hi."), source, retries=0))
    assert response.status == "failed"
    assert "division by zero" in str(response.failure)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("client = 3", "is int, neither an AsyncOpenAI nor a function that gives one"),
        ("def client():\n    raise KeyError('TENANT')", "cannot be made: KeyError: 'TENANT'"),
        ("other = 3", "unknown client of module"),
    ],
)
def test_what_is_no_client_is_one_line(opened: Opened, source: str, problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        opened(lambda call: chat("Hi."), source)


def test_a_client_is_named_by_its_module() -> None:
    with pytest.raises(BadInput, match="is not written MODULE:CLIENT"):
        open_target("openai-sdk:my-model", {"client": "my_clients"})


def test_another_module_is_another_target_and_no_key_is_told(opened: Opened) -> None:
    described = [opened(lambda call: chat("Hi."), PLAIN + extra).describe() for extra in ("", "# edited\n")]
    assert described[0]["source"] != described[1]["source"]
    assert "sk-secret-of-mine" not in str(described)


KEYS = {
    "own": 'openai.AsyncOpenAI(base_url={url!r}, api_key="sk-secret-of-mine")',
    "header": 'openai.AsyncOpenAI(base_url={url!r}, api_key="x", default_headers={{"api-key": "sk-secret-of-mine"}})',
    "query": 'openai.AsyncOpenAI(base_url={url!r}, api_key="x", default_query={{"code": "sk-secret-of-mine"}})',
    "got for the call": "openai.AsyncOpenAI(base_url={url!r}, api_key=got)",
    "login": 'openai.AsyncAzureOpenAI(azure_endpoint={url!r}, api_version="2024-10-21", azure_ad_token_provider=got)',
}


@pytest.mark.parametrize("client", KEYS.values(), ids=KEYS)
async def test_what_was_really_sent_as_a_key_is_not_told(opened: Opened, client: str) -> None:
    source = f'import openai\nasync def got():\n    return "sk-secret-of-mine"\nclient = {client}\n'

    def repeated(call: Call) -> Reply:
        said = f"wrong key: {call.path} {call.headers.get('authorization')} {call.headers.get('api-key')}"
        assert "sk-secret-of-mine" in said
        return error(400, said) if call.number else chat(said)

    target = opened(repeated, source, retries=0)
    for _ in range(2):
        response = await ask(target)
        assert "sk-secret-of-mine" not in str(response)
        assert "(key)" in str(response)


async def test_a_key_that_no_header_takes_is_not_told(opened: Opened) -> None:
    target = opened(lambda call: chat("Hi."), PLAIN.replace("of-mine", "of-mine\\n"), retries=0)
    response = await ask(target)
    assert response.status == "failed"
    assert "secret" not in str(response)
    assert "(key)" in str(response)
    with pytest.raises(BadInput, match=r"no endpoint answers at .*\(key\)") as caught:
        await target.check()
    assert "secret" not in str(caught.value)
