"""Pictures drawn by a local text-to-image pipeline of diffusers: Stable Diffusion, SDXL, PixArt, Flux and others.

All random numbers of a picture come from a generator of its own, seeded by run, query and attempt, so that it does not
depend on what was drawn before it or beside it. Only rounding does: in a batch of another size the same sums are added
up in another order, and a few pixels come out one step of 255 higher or lower. With `batch = 1` the same work gives the
same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field, model_validator

from converters.local_options import LocalOptions
from converters.pictures import WRITER, is_blank, png
from converters.text_to_image.diffusers_call import check_call, parameters, unread_tokens
from converters.text_to_image.diffusers_files import load_pipeline
from safebench.errors import ConversionError
from safebench.models.torch_backend import (
    check_exists,
    choose_device,
    import_local,
    import_transformers,
    installed,
    reproducible,
    seed_of,
)
from safebench.plugins import Converter, Work
from safebench.types import Media


class Diffusers(Converter):
    name = "diffusers"
    summary = "a picture drawn by a local text-to-image pipeline: Stable Diffusion, SDXL, Flux, …"
    version = (
        f"2 diffusers {installed('diffusers')} transformers {installed('transformers')} torch {installed('torch')}"
        f" {WRITER}"
    )
    takes = "text"
    gives = "image"
    depicts = True
    varies = True
    needs = ("diffusers", "torch", "transformers")
    extra = "local"

    class Options(LocalOptions):
        revision: str | None = None  # of a published model; a branch can move, so name a commit
        variant: str | None = None  # of the files with weights, e.g. fp16
        dtype: Literal["float32", "float16", "bfloat16"] = "float32"
        steps: int | None = Field(None, ge=1, le=1000)  # this and the next three: the pipeline's own when not given
        guidance: float | None = Field(None, ge=0)
        width: int | None = Field(None, ge=16, le=4096, multiple_of=8)  # px
        height: int | None = Field(None, ge=16, le=4096, multiple_of=8)  # px
        negative_prompt: str | None = Field(None, min_length=1)
        batch: int = Field(1, ge=1, le=1024)  # pictures drawn at once
        allow_truncation: bool = False  # draw a text of which the pipeline does not read the end
        trust_remote_code: bool = False  # runs Python code that comes with the model: only for a model you trust

        @model_validator(mode="after")
        def _both_sides(self) -> Self:
            if (self.width is None) != (self.height is None):  # pipelines leave out one that is alone
                raise ValueError("give both `width` and `height`, or neither")
            return self

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        check_exists("model", self.options.model)

    @property
    def batch(self) -> int:
        return int(self.options.batch)

    def check(self) -> None:
        _ = self._pipeline

    def convert(self, work: Work) -> Media:
        (made,) = self.convert_batch([work])
        if isinstance(made, ConversionError):
            raise made
        return made

    def convert_batch(self, works: Sequence[Work]) -> list[Media | ConversionError]:
        """All that can be drawn at once. Whatever the pipeline raises (out of memory, say) is raised for all."""
        why_not = [self._why_not(work) for work in works]
        drawn = iter(self._draw([work for work, reason in zip(works, why_not, strict=True) if reason is None]))
        return [reason or next(drawn) for reason in why_not]

    def _why_not(self, work: Work) -> ConversionError | None:
        if not work.text.strip():
            return _error(work, "there is nothing to draw: the text is empty")
        unread = unread_tokens(self._pipeline, work.text)
        if not unread:
            return None
        if self.options.allow_truncation:
            work.notes.measures["prompt_tokens_unread"] = unread
            return None
        return _error(
            work,
            f"the text is longer than {self.options.model} reads, by {unread} token(s), and the picture would lack its"
            " end: shorten it in a step before this one, or set `allow_truncation = true`",
        )

    def _draw(self, works: Sequence[Work]) -> list[Media | ConversionError]:
        if not works:
            return []
        import torch

        with reproducible(0, self.options.threads):
            drawn = self._pipeline(
                prompt=[work.text for work in works],
                # on the CPU whatever the device, so that all devices start from the same noise
                generator=[torch.Generator("cpu").manual_seed(seed_of(work)) for work in works],
                output_type="np",  # in a picture, pixels that are no numbers would be black
                **parameters(self.options, len(works)),
            )
        flags = getattr(drawn, "nsfw_content_detected", None) or getattr(drawn, "nsfw_detected", None)
        flagged = flags or [False] * len(works)
        return [_checked(*one) for one in zip(works, drawn.images, flagged, strict=True)]

    @cached_property
    def _pipeline(self) -> Any:
        """Raises BadInput when the pipeline cannot be used, or not with these options."""
        user = f"converter {self.name!r}"
        import_transformers(user)
        pipeline = load_pipeline(import_local("diffusers", user), self.options, choose_device(self.options.device))
        check_call(pipeline, self.options)
        return pipeline


def _checked(work: Work, pixels: NDArray[np.floating[Any]], flagged: bool) -> Media | ConversionError:
    """A PNG of `pixels`, (height, width, channels) from 0 to 1. A blank is never passed on as a picture."""
    if flagged:
        return _error(work, "the pipeline's safety checker took the picture away; another try draws another one")
    if not np.isfinite(pixels).all():
        return _error(work, "the pipeline gave pixels that are no numbers: use another dtype, e.g. float32")
    picture = Image.fromarray(np.round(pixels * 255).astype(np.uint8))
    if is_blank(picture):
        return _error(work, "the pipeline gave a blank: all of it has one colour")
    return png(picture)


def _error(work: Work, reason: str) -> ConversionError:
    return ConversionError(f"query {work.query.id!r}: {reason}")
