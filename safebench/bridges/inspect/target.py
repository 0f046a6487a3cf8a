"""Any model that inspect_ai reaches, as a target or behind a juror: `inspect:PROVIDER/MODEL`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import Field

from safebench.errors import BadInput, TargetRefusesService, check_known
from safebench.models.endpoints import Mask, endpoint_url
from safebench.models.error_meaning import Service, meaning
from safebench.models.families import plain
from safebench.plugins import PluginOptions, Target
from safebench.targets.messages import media_encoders
from safebench.types import TEXT, Request, Response


class InspectTarget(Target):
    name = "inspect"
    summary = "any model that inspect_ai reaches: inspect:PROVIDER/MODEL"
    family = "openai"
    needs = ("inspect_ai",)
    extra = "inspect"

    class Options(PluginOptions):
        base_url: str | None = None
        timeout: float = Field(120.0, gt=0)  # s, for one attempt
        retries: int = Field(5, ge=0)  # further attempts after the first
        parameters: Mapping[str, Any] = {}  # inspect's generation settings: temperature, max_tokens, …

    _model: Any = None

    @property
    def accepts(self) -> frozenset[str]:
        """All that can be encoded: inspect does not say what a model takes."""
        return frozenset({TEXT, *media_encoders(self.family, self.encoders)})

    def describe(self) -> Mapping[str, Any]:
        from inspect_ai import __version__

        about = {"inspect_ai": __version__, "base_url": self._base_url, "parameters": self.options.parameters}
        return {**super().describe(), **about}

    @property
    def _base_url(self) -> str | None:
        """That of the user, or else where inspect's providers look for it; None where they know it themselves."""
        url = self.options.base_url or self._variable("BASE_URL")
        return endpoint_url(url) if url else None

    def _variable(self, what: str) -> str:
        """What the environment says of the provider."""
        provider, *rest = self.setup.argument.split("/")
        named = rest[0] if provider == "openai-api" and rest else provider
        return os.environ.get(f"{named.upper().replace('-', '_')}_{what}", "")

    @cached_property
    def _service(self) -> Service:
        return Service()

    async def check(self) -> None:
        """Raises BadInput where no model is named, or inspect cannot open it (unknown provider, no key)."""
        self._open()

    def _open(self) -> Any:
        if self._model is None:
            self._model = self._opened()
        return self._model

    def _opened(self) -> Any:
        from inspect_ai.model import GenerateConfig, get_model

        if not self.setup.argument:
            raise BadInput("target 'inspect' needs a model: inspect:PROVIDER/MODEL")
        settings = {"max_retries": self.options.retries, "attempt_timeout": round(self.options.timeout)}
        for key in self.options.parameters:
            check_known("parameter", key, GenerateConfig.model_fields, f"target {self._spec!r}")
        config = GenerateConfig(**{**settings, **self.options.parameters})
        try:
            return get_model(self.setup.argument, config=config, base_url=self.options.base_url, memoize=False)
        except Exception as error:
            raise BadInput(f"target {self._spec!r}: {error}") from error

    async def ask(self, request: Request) -> Response:
        """Raises TargetRefusesService for a wrong key or an unknown model; other errors as the provider raises them."""
        from safebench.bridges.inspect.messages import chat_messages, response_of

        try:
            response = response_of(await self._open().generate(await chat_messages(request)))
        except Exception as error:
            status = getattr(error, "status_code", None)
            if isinstance(status, int) and (why := self._refused(status, error)) is not None:
                raise TargetRefusesService(f"{why}{self._spec}: {error}") from error
            raise
        if response.status == "answered":
            self._service.answered()
        return Mask(self._variable("API_KEY").strip()).response(response)

    def _refused(self, status: int, error: Exception) -> str | None:
        told = getattr(error, "body", None) or str(error)
        return self._service.refused(meaning(status, told, plain()), status)

    @property
    def _spec(self) -> str:
        return f"{self.name}:{self.setup.argument}"
