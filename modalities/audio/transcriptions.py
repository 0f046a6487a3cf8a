"""Hears by any OpenAI-compatible endpoint, `POST BASE_URL/audio/transcriptions`; the key comes from the environment."""

from __future__ import annotations

import json
import os
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import openai
from pydantic import Field, field_validator

from modalities.audio.encoders import FORMATS
from safebench.endpoints import DEFAULT_KEY, endpoint_key, endpoint_url, error_text
from safebench.errors import SafeBenchError
from safebench.plugins import PluginOptions, Recogniser
from safebench.types import Media


class OpenAITranscriptions(Recogniser):
    """Written `openai-transcriptions:MODEL[@BASE_URL]`; else OPENAI_BASE_URL, else OpenAI itself.

    The endpoint decides whether the same clip gives the same text.
    An `@` in a model's name may be its first character only.
    """

    name = "openai-transcriptions"
    summary = "hears by any OpenAI-compatible endpoint: openai-transcriptions:MODEL[@BASE_URL]"
    medium = "audio"

    class Options(PluginOptions):
        argument: str = Field("", validate_default=True)  # MODEL[@BASE_URL]
        timeout: float = Field(120.0, gt=0)  # s, for one attempt
        retries: int = Field(5, ge=0)  # further attempts after the first

        @field_validator("argument")
        @classmethod
        def _can_be_read(cls, argument: str) -> str:
            split_argument(argument)
            return argument

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.model, base_url = split_argument(self.options.argument)
        self.base_url = endpoint_url(base_url)
        self._key()

    def recognise(self, media: Media) -> str:
        """What the endpoint heard, empty where it heard nothing. Raises SafeBenchError when it did not transcribe."""
        try:
            answer = self._client.audio.transcriptions.with_raw_response.create(
                model=self.model, file=_upload(media), response_format="json", temperature=0
            )
        except openai.APIStatusError as error:
            told = error_text(error.response.content)
            raise self._failed(f"answered {error.status_code}: {told}") from error
        except openai.APIError as error:
            cause = f": {error.__cause__}" if error.__cause__ else ""
            raise self._failed(f"could not be asked: {error}{cause}") from error
        return self._text(answer.content)

    def _text(self, body: bytes) -> str:
        """Raises SafeBenchError for a body that is no transcription, whatever its status said."""
        try:
            told = json.loads(body)
        except ValueError as error:
            raise self._failed(f"answered with no JSON: {error_text(body)}") from error
        text = told.get("text") if isinstance(told, dict) else None
        if not isinstance(text, str):
            raise self._failed(f"answered without a text: {error_text(body)}")
        return text.strip()

    @cached_property
    def _client(self) -> openai.OpenAI:
        """It retries by itself (time-outs, lost connections, 408, 409, 429, 5xx), and waits as the server says."""
        return openai.OpenAI(
            api_key=self._key(),
            base_url=self.base_url,
            max_retries=self.options.retries,
            timeout=self.options.timeout,
        )

    def _key(self) -> str:
        """Raises BadInput where there is none and one is needed."""
        return endpoint_key(self.base_url, None, f"recogniser {self.name!r}")

    def _failed(self, told: str) -> SafeBenchError:
        """Without the key, which some servers repeat in their errors."""
        key = os.environ.get(DEFAULT_KEY)
        message = f"{self.model} at {self.base_url} {told}"
        return SafeBenchError(message.replace(key, "(key)") if key else message)


def split_argument(argument: str) -> tuple[str, str | None]:
    """Model and base URL of MODEL[@BASE_URL]. Raises ValueError for another shape, and for a URL that holds a key."""
    model, at, rest = argument.partition("@http")
    base_url = "http" + rest if at else None
    if not model:
        raise ValueError("name a model: openai-transcriptions:MODEL[@BASE_URL]")
    if "@" in model[1:]:  # the clip would go to the default endpoint, and not where it was meant to go
        raise ValueError(f"{model.rpartition('@')[2]!r} is not an http(s) URL")
    if base_url is None:
        return model, None
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{base_url!r} is not an http(s) URL")
    if parts.username or parts.password:
        raise ValueError(f"no key belongs into the URL, where it would be written down: set {DEFAULT_KEY}")
    return model, base_url


def _upload(media: Media) -> tuple[str, bytes, str]:
    """Endpoints tell the format by the file's name."""
    ending = FORMATS.get(media.mime, media.mime.rpartition("/")[2].removeprefix("x-"))
    return f"clip.{ending}", media.read(), media.mime
