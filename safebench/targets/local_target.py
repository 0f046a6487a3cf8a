"""Targets that answer with a chat model on this machine, whoever runs it: requests gathered into batches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from safebench.errors import BadInput, TargetRefusesService, raise_of_the_system
from safebench.files import content_hash
from safebench.models.batching import Batcher
from safebench.models.families import plain
from safebench.models.pacing import USUAL
from safebench.models.torch_backend import check_exists
from safebench.plugins import Target, TargetSetup
from safebench.targets.local_chat import Answer, LocalChat, Messages, local_chat
from safebench.targets.messages import encode_messages, media_encoders
from safebench.targets.thinking import split_thinking
from safebench.types import Attempt, Failure, Request, Response


class LocalTarget(Target):
    """Requests that are under way at the same time are answered in batches of like length."""

    family = "transformers"
    length_option = "max_new_tokens"
    forms = ("chat", "completion")  # the second where it is opened so: `raw`
    chat: ClassVar[type[LocalChat]]
    changeable: ClassVar[frozenset[str]] = frozenset({"batch_size", "scores"})  # options that change no answer

    def __init__(self, setup: TargetSetup) -> None:
        super().__init__(setup)
        if not setup.argument:
            raise BadInput(f"target {self.name!r} needs a model: {self.name}:MODEL")
        check_exists("model", setup.argument)
        self._batcher: Batcher[Messages, Answer] = Batcher(self._answer, self.options.batch_size, size=self._chat.size)
        # one thread: of several, one may still hold the tensors of a failed batch when the next takes its half
        self._thread = ThreadPoolExecutor(1)

    @cached_property
    def _chat(self) -> LocalChat:
        return local_chat(self.chat, self.setup.argument, self.options.model_dump_json(), self._template)

    @cached_property
    def _template(self) -> str | None:
        """The hash of the user's own, as it was when the target was made."""
        file = self.options.chat_template
        return content_hash(file) if file else None

    @property
    def accepts(self) -> frozenset[str]:
        return self._chat.accepts & frozenset({"text", *media_encoders(self.family, self.encoders)})

    @property
    def at_once(self) -> int | None:
        """While one batch is answered, the next one gathers."""
        return max(USUAL, 2 * int(self.options.batch_size))

    def describe(self) -> Mapping[str, Any]:
        options = self.options.model_dump(mode="json", exclude={*self.changeable, "raw", "chat_template"})
        raw = {"raw": True} if self.options.raw else {}
        template = {"chat_template": self._template} if self._template else {}
        return {**super().describe(), **options, **raw, **template, "sha256": self._sha256}

    @cached_property
    def _sha256(self) -> str | None:
        folder = Path(self.setup.argument)
        return content_hash(folder) if folder.exists() else None

    async def check(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._chat.load)

    async def close(self) -> None:
        await self._batcher.close()
        self._thread.shutdown(wait=False)

    async def ask(self, request: Request) -> Response:
        started = time.perf_counter()
        try:
            if (request.form == "completion") is not self.options.raw:
                raise ValueError(f"a request as {request.form} is put to a model with raw = {self.options.raw}")
            messages = encode_messages(request.messages, self.family, self.encoders)
            answer = await self._batcher.put(messages)
        except TargetRefusesService:
            raise
        except Exception as error:  # noqa: BLE001  what a model raises has no common type; it becomes data
            raise_of_the_system(error)
            failure = Failure(f"{self.name}:{self.setup.argument}", type(error).__name__, str(error)[:2000])
            return Response("failed", attempts=(Attempt(_since(started), error=str(failure)),), failure=failure)
        text, thinking, unknown = split_thinking(answer.text, plain())
        return Response(
            "answered",
            text,
            finish="stop" if answer.finished else "length",
            thinking=thinking,
            unknown_markup=unknown,
            model=self.setup.argument,
            usage={"prompt_tokens": answer.prompt_tokens, "completion_tokens": answer.completion_tokens},
            attempts=(Attempt(_since(started)),),
            tokens=answer.scored,
        )

    async def _answer(self, conversations: list[Messages]) -> list[Answer]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._chat.answer, conversations)


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 4)
