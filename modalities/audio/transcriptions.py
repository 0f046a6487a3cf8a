"""Hears by any OpenAI-compatible endpoint, `POST BASE_URL/audio/transcriptions`; the key comes from the environment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field, field_validator

from modalities.audio.encoders import FORMATS
from safebench.models.client import Endpoint, EndpointOptions
from safebench.models.endpoints import error_text
from safebench.plugins import ModelCalls, PluginOptions, Recogniser
from safebench.serialisation import read_json
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

        def asks(self) -> Iterable[ModelCalls]:
            model, base_url = split_argument(self.argument)
            return EndpointOptions(model=model, base_url=base_url).asks()

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        model, base_url = split_argument(self.options.argument)
        patience = {"timeout": self.options.timeout, "retries": self.options.retries}
        self._endpoint = Endpoint(
            EndpointOptions(model=model, base_url=base_url, **patience), f"recogniser {self.name!r}"
        )
        self._model = model

    def check(self) -> None:
        self._endpoint.check()

    def recognise(self, media: Media) -> str:
        """What the endpoint heard, empty where it heard nothing.

        Raises ConversionError when it did not transcribe, and TargetRefusesService where it will transcribe nothing.
        """
        answer = self._endpoint.ask(
            self._endpoint.client.audio.transcriptions.with_raw_response.create,
            model=self._model,
            file=_upload(media),
            response_format="json",
            temperature=0,
        )
        return self._text(answer.content)

    def _text(self, body: bytes) -> str:
        """Raises ConversionError for a body that is no transcription, whatever its status said."""
        try:
            answer = read_json(body)
        except ValueError as error:
            raise self._endpoint.failed(f"answered with no JSON: {error_text(body)}") from error
        text = answer.get("text") if isinstance(answer, dict) else None
        if not isinstance(text, str):
            raise self._endpoint.failed(f"answered without a text: {error_text(body)}")
        return text.strip()


def split_argument(argument: str) -> tuple[str, str | None]:
    """Model and base URL of MODEL[@BASE_URL]. Raises ValueError for another shape."""
    model, at, rest = argument.partition("@http")
    if not model:
        raise ValueError("name a model: openai-transcriptions:MODEL[@BASE_URL]")
    if "@" in model[1:]:  # the clip would go to the default endpoint, and not where it was meant to go
        raise ValueError(f"{model.rpartition('@')[2]!r} is not an http(s) URL")
    return model, f"http{rest}" if at else None


def _upload(media: Media) -> tuple[str, bytes, str]:
    """Endpoints tell the format by the file's name."""
    ending = FORMATS.get(media.mime, media.mime.rpartition("/")[2].removeprefix("x-"))
    return f"clip.{ending}", media.read(), media.mime
