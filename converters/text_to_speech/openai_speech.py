"""Speech by any OpenAI-compatible endpoint, `POST BASE_URL/audio/speech`; the key comes from the environment."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import openai
from pydantic import Field

from converters.text_to_speech import spoken_text, waveform
from converters.text_to_speech.engine import SpeechEngine, SpeechOptions, Spoken
from converters.text_to_speech.recordings import decode
from safebench.endpoints import DEFAULT_KEY, endpoint_key, endpoint_url, error_text
from safebench.errors import BadInput, ConversionError
from safebench.plugins import Work


class OpenAISpeech(SpeechEngine):
    """The endpoint decides whether the same text gives the same bytes; a rendering is asked for once and then kept."""

    name = "openai-speech"
    summary = "speech by any OpenAI-compatible endpoint"
    version = f"1 soundfile {waveform.installed('soundfile')} {waveform.VERSION}"

    class Options(SpeechOptions):
        model: str = Field(min_length=1)
        voice: str = Field(min_length=1)
        base_url: str | None = None  # else OPENAI_BASE_URL, else OpenAI
        api_key_env: str | None = None  # name of the variable that holds the key
        instructions: str | None = None  # how to speak, for models that take it
        speed: float | None = Field(None, ge=0.25, le=4.0)  # 1 is the voice's own
        timeout: float = Field(120.0, gt=0)  # s, for one attempt
        retries: int = Field(5, ge=0)  # further attempts after the first

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        if urlsplit(self.base_url).scheme not in ("http", "https"):
            raise BadInput(f"base_url {self.base_url!r} is not an http(s) URL")
        self._key()

    @property
    def base_url(self) -> str:
        return endpoint_url(self.options.base_url)

    def _key(self) -> str:
        """Raises BadInput where there is none and one is needed."""
        return endpoint_key(self.base_url, self.options.api_key_env, f"converter {self.name!r}")

    @cached_property
    def _client(self) -> openai.OpenAI:
        """It retries by itself (time-outs, lost connections, 408, 409, 429, 5xx), and waits as the server says."""
        return openai.OpenAI(
            api_key=self._key(),
            base_url=self.base_url,
            max_retries=self.options.retries,
            timeout=self.options.timeout,
        )

    def speak(self, work: Work) -> Spoken:
        text = spoken_text.speakable(work.text)
        try:
            answer = self._client.audio.speech.with_raw_response.create(**self._request(text))
        except openai.APIStatusError as error:
            told = self._without_key(error_text(error.response.content))
            raise ConversionError(f"{self._endpoint} answered {error.status_code}: {told}") from error
        except openai.APIError as error:
            cause = f": {error.__cause__}" if error.__cause__ else ""
            raise ConversionError(self._without_key(f"{self._endpoint}: {error}{cause}")) from error
        return self._decoded(answer.content, answer.headers.get("content-type", ""))

    @property
    def _endpoint(self) -> str:
        return f"{self.options.model} at {self.base_url}"

    def _request(self, text: str) -> dict[str, Any]:
        optional = {"instructions": self.options.instructions, "speed": self.options.speed}
        return {
            "model": self.options.model,
            "voice": self.options.voice,
            "input": text,
            "response_format": "wav",
            **{name: value for name, value in optional.items() if value is not None},
        }

    def _decoded(self, body: bytes, content_type: str) -> Spoken:
        """Raises ConversionError for a body that is no recording, whatever its status said."""
        if content_type.startswith(("application/json", "text/")) or body[:1] in (b"{", b"<"):
            told = self._without_key(error_text(body))
            raise ConversionError(f"{self._endpoint} answered with text instead of speech: {told}")
        return decode(body, f"what {self._endpoint} answered")

    def _without_key(self, told: str) -> str:
        key = os.environ.get(self.options.api_key_env or DEFAULT_KEY)
        return told.replace(key, "(key)") if key else told
