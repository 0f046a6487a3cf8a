"""Speech by any OpenAI-compatible endpoint, `POST BASE_URL/audio/speech`; the key comes from the environment."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from converters.recordings import whole_recording
from converters.text_to_speech import spoken_text, waveform
from converters.text_to_speech.engine import SpeechEngine, SpeechOptions, Spoken
from safebench.models.client import Endpoint, EndpointOptions
from safebench.models.endpoints import error_text
from safebench.models.torch_backend import installed
from safebench.plugins import Work


class OpenAISpeech(SpeechEngine):
    """The endpoint decides whether the same text gives the same bytes; a rendering is asked for once and then kept."""

    name = "openai-speech"
    summary = "speech by any OpenAI-compatible endpoint"
    varies = True
    version = f"1 soundfile {installed('soundfile')} {waveform.VERSION}"

    class Options(SpeechOptions, EndpointOptions):
        voice: str = Field(min_length=1)
        instructions: str | None = None  # how to speak, for models that take it
        speed: float | None = Field(None, ge=0.25, le=4.0)  # 1 is the voice's own

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._endpoint = Endpoint(self.options, f"converter {self.name!r}")

    def check(self) -> None:
        self._endpoint.check()

    def speak(self, work: Work) -> Spoken:
        text = spoken_text.speakable(work.text)
        create = self._endpoint.client.audio.speech.with_raw_response.create
        answer = self._endpoint.ask(create, {"characters": len(text)}, **self._request(text))
        return self._decoded(answer.content, answer.headers.get("content-type", ""))

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
            raise self._endpoint.failed(f"answered with text instead of speech: {error_text(body)}")
        return whole_recording(body, f"what {self.options.model} at {self._endpoint.url} answered")
