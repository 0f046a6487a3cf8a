"""Bodies of errors as providers send them, and what they mean; bodies that only sound like a filter's stop."""

from __future__ import annotations

import json
from typing import Any

import pytest

from safebench.models.error_meaning import IN_A_ROW, Meaning, Service, is_about_schema, is_filters_stop, meaning
from safebench.models.families import PLAIN, families, family_of

AZURE = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify "
    "your prompt and retry."
)
RESPONSIBLE = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"violence": {"filtered": True}}}
FLAGGED = "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again."
MODERATED = 'openai/gpt-4.1 requires moderation on OpenRouter. Your input was flagged for "violence".'


def openai(message: str, code: object = None, type: object = "invalid_request_error", **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": type, "param": None, "code": code, **more}}


STOPS: list[tuple[str, int, Any]] = [
    ("plain", 422, openai("stopped", "content_filter")),
    ("plain", 451, openai("stopped", "content_policy_violation")),
    ("openai", 400, openai("Your request was rejected as a result of our safety system.", "content_policy_violation")),
    ("openai", 400, openai("Your request was rejected by the safety system.", "moderation_blocked", "user_error")),
    ("openai", 400, openai(FLAGGED, "invalid_prompt")),
    ("openai", 400, openai("This was flagged.", "cyber_policy")),
    ("openai", 400, openai(AZURE, "content_filter", None, innererror=RESPONSIBLE)),
    ("plain", 400, openai("Your task failed.", "400", None, inner_error=RESPONSIBLE)),
    ("plain", 400, openai(AZURE.replace("'", "’"), "400", None)),
    ("gemini", 400, [{"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [{"reason": "SAFETY"}]}}]),
    ("gemini", 400, [openai("blocked", "PROHIBITED_CONTENT")]),
    ("anthropic", 400, {"type": "error", **openai("Output blocked by content filtering policy")}),
    ("openrouter", 403, {"error": {"code": 403, "message": MODERATED}}),
    (
        "openrouter",
        403,
        {"error": {"code": 403, "message": "no", "metadata": {"reasons": ["x"], "flagged_input": "…"}}},
    ),
    (
        "openrouter",
        400,
        {
            "error": {
                "code": 400,
                "message": "Provider returned error",
                "metadata": {"provider_name": "Azure", "raw": json.dumps(openai(AZURE, "content_filter"))},
            }
        },
    ),
    (
        "openrouter",
        400,
        openai(
            "Provider returned error", metadata={"raw": '{"message": "Output blocked by content filtering policy"}'}
        ),
    ),
    ("plain", 400, openai("Input data may contain inappropriate content.", *2 * ["data_inspection_failed"])),
    ("plain", 400, openai("<400> InternalError.Algo.DataInspectionFailed: Input text data may contain …")),
    ("plain", 400, openai("Content Exists Risk", "invalid_request_error")),
    ("plain", 400, {"detail": "Content Exists Risk"}),
    ("plain", 400, {"error": {"code": 400, "message": "considered high risk", "type": "content_filter"}}),
    (
        "plain",
        403,
        {
            "code": "The caller does not have permission to execute the specified operation",
            "error": "Content violates usage guidelines. Team: …, Model: grok-4, Failed check: SAFETY_CHECK_TYPE_BIO",
        },
    ),
    (
        "plain",
        400,
        openai(
            f"litellm.BadRequestError: litellm.ContentPolicyViolationError: AzureException - {AZURE}",
            "400",
            provider_specific_fields={"innererror": RESPONSIBLE},
        ),
    ),
    ("plain", 400, AZURE),
]
FAILURES: list[tuple[str, int, Any]] = [
    ("openai", 400, openai("Unknown parameter: 'moderation_level'", "unknown_parameter")),
    ("plain", 400, openai("This model does not support content filter options")),
    ("plain", 400, openai("Unknown parameter: 'content_filter'", "unknown_parameter", param="content_filter")),
    ("plain", 400, openai("Invalid value for safety_system: content_policy_violation is no level")),
    ("plain", 400, openai("content_filter")),
    ("plain", 400, openai("the content_policy_violation hook is not installed", "content_policy_missing")),
    ("plain", 400, openai("moderation", "moderation", "moderation")),
    ("plain", 400, openai("Invalid prompt: messages[3] is malformed.", "invalid_prompt")),
    ("plain", 400, openai(f"cannot parse 'What does it mean: {FLAGGED}'")),
    ("plain", 400, openai("bad request", query="content_filter", request={"code": "content_filter"})),
    ("plain", 400, {"detail": [{"type": "missing", "msg": "field required", "input": {"type": "content_filter"}}]}),
    ("plain", 400, {"object": "error", "message": "unknown role in: Why are prompts flagged by moderation?"}),
    ("plain", 400, "<html>content_filter: ResponsibleAIPolicyViolation</html>"),
    ("plain", 400, ""),
    ("plain", 400, "[" * 10_000),
    ("openrouter", 400, openai("Unknown parameter: 'flagged'", "unknown_parameter")),
    ("gemini", 400, [{"error": {"code": 400, "message": "safety_settings: unknown", "status": "INVALID_ARGUMENT"}}]),
    ("plain", 400, openai("Output blocked by content filtering policy in our proxy's settings file")),
    ("plain", 422, {"detail": [{"loc": ["body", "content_filter"], "msg": "extra fields not permitted"}]}),
    ("plain", 451, openai("not available in your country")),
    ("plain", 500, openai("out of order", "content_filter")),
    ("plain", 429, openai("busy", "content_filter")),
    ("plain", 400, openai("the words insufficient_quota in a query")),
]
NO_SERVICE: list[tuple[str, int, Any]] = [
    ("plain", 403, openai("Your project may not use content filter options", "permission_denied")),
    ("openrouter", 403, openai("Key limit exceeded: moderation is off", 403)),
    ("plain", 404, openai("no such model: content-filter-7b", "model_not_found")),
    ("plain", 401, openai("bad key", "content_filter")),
    ("plain", 402, "insufficient credits"),
    ("plain", 403, openai("Incorrect API key provided", "invalid_api_key")),
    ("gemini", 403, [{"error": {"code": 403, "message": "The caller may not", "status": "PERMISSION_DENIED"}}]),
    ("openrouter", 404, openai("No endpoints found for vendor/model", 404)),
    ("plain", 404, "404 page not found"),
    ("plain", 429, openai("You exceeded your current quota", "insufficient_quota", "insufficient_quota")),
]
REFUSED: list[tuple[str, int, Any]] = [
    ("plain", 403, "<html><title>Attention Required! | Cloudflare</title>Sorry, you have been blocked</html>"),
    ("plain", 403, openai("Request denied by the gateway's guard", "guardrail_intervened")),
    ("plain", 403, ""),
    ("openrouter", 404, openai("No endpoints found that support image input", 404)),
    ("openrouter", 404, openai("No endpoints found matching your data policy", 404)),
]
TOLD = [
    *[(*row, "refused") for row in REFUSED],
    *[(*row, "blocked") for row in STOPS],
    *[(*row, "failed") for row in FAILURES],
    *[(*row, "no service") for row in NO_SERVICE],
]


@pytest.mark.parametrize(("family", "status", "body", "expected"), TOLD)
def test_an_errors_body_means_what_its_fields_say(family: str, status: int, body: Any, expected: str) -> None:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    assert meaning(status, text, families()[family]) == expected


def test_an_error_that_is_already_read_means_the_same() -> None:
    for family, status, body, expected in TOLD:
        assert meaning(status, body, families()[family]) == expected


@pytest.mark.parametrize("name", families())
def test_every_family_knows_what_plain_knows(name: str) -> None:
    for family, _, body in STOPS:
        if family == PLAIN:
            assert is_filters_stop(body, families()[name])


def test_an_endpoint_of_ones_own_can_tell_its_codes() -> None:
    own = family_of({"like": "vllm", "blocked_codes": ["my_guard"]}, None, "here")
    assert is_filters_stop({"error": {"code": "my_guard"}}, own)
    assert is_filters_stop(openai(AZURE, "content_filter"), own)
    assert not is_filters_stop({"error": {"code": "my_guard"}}, families()["vllm"])


QUERY = "Explain what guided json_schema and response_format mean."
SENT = [{"role": "user", "content": QUERY}]
INPUT = "[{'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'text'\"}]"


@pytest.mark.parametrize(
    "body",
    [
        openai("Invalid parameter.", param="response_format"),
        openai("Invalid value: 'json_schema'. Supported values are: 'json_object'.", param="response_format.type"),
        openai("response_format value as json_schema is enabled only for later api versions"),
        openai("This response_format type is unavailable now"),
        openai("This model does not support response format `json_schema`. See supported models at …"),
        openai('response_format type must be one of "text" or "json_object", but got: json_schema'),
        {"object": "error", "message": INPUT, "type": "BadRequestError", "param": None, "code": 400},
        {"detail": [{"loc": ["body", "response_format", "type"], "msg": "Input should be 'text'", "input": QUERY}]},
        openai("The provided JSON schema contains features not supported by xgrammar."),
        {"error": "guided_json is not supported by this server"},
        openai("Structured outputs are not supported for this model."),
    ],
)
def test_an_error_that_names_the_parameter_is_about_the_schema(body: Any) -> None:
    assert is_about_schema(json.dumps(body), SENT)


@pytest.mark.parametrize(
    "body",
    [
        openai(f"Invalid prompt: {QUERY}"),
        openai(f"Invalid prompt:  {QUERY.replace(' ', chr(10))}"),
        openai(f'The input "{QUERY[:-10]}…" is too long'),
        openai("A guided tour of structured data is too long."),
        openai("Nothing here is a json_schema, says the message about another parameter.", param="messages"),
        {"detail": [{"loc": ["body", "messages", 0], "msg": "too long", "input": QUERY}]},
        {"message": f"[{{'type': 'value_error', 'loc': ('body', 'messages'), 'input': '{QUERY}'}}]"},
        QUERY,
    ],
)
def test_an_error_that_repeats_the_query_is_not_about_the_schema(body: Any) -> None:
    assert not is_about_schema(json.dumps(body), SENT)
    assert not is_about_schema(body, [{"role": "user", "content": [{"type": "text", "text": QUERY}]}])


@pytest.mark.parametrize(
    ("meaning", "status", "before", "after"),
    [
        ("no service", 401, True, True),
        ("no service", 402, True, True),
        ("no service", 429, True, True),
        ("no service", 403, True, False),
        ("no service", 404, True, False),
        ("refused", 403, False, False),
        ("failed", 500, False, False),
        ("blocked", 400, False, False),
    ],
)
def test_what_stops_the_work_before_and_after_an_answer(
    meaning: Meaning, status: int, before: bool, after: bool
) -> None:
    service = Service()
    assert (service.refused(meaning, status) is not None) == before
    service.answered()
    assert (service.refused(meaning, status) is not None) == after


def test_refusals_in_a_row_stop_the_work_and_failures_do_not() -> None:
    service = Service()
    assert [service.refused("failed", 500) for _ in range(2 * IN_A_ROW)] == [None] * 2 * IN_A_ROW
    assert [service.refused("refused", 403) is not None for _ in range(IN_A_ROW)] == [False] * (IN_A_ROW - 1) + [True]
