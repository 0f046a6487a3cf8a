"""How near a picture is to the query, by a CLIP model on this machine. The picture itself is passed on as it is."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field

from converters.pictures import decode
from safebench.errors import BadInput, ConversionError
from safebench.models.torch_backend import (
    check_exists,
    choose_device,
    existing,
    import_transformers,
    installed,
    only_weights,
    reproducible,
    seed_of,
    told,
)
from safebench.plugins import Converter, PluginOptions, Work
from safebench.types import Media


class ClipScore(Converter):
    """Notes `clip`, from -1 to 1: the cosine between the model's embeddings of the picture and of the query's text.

    CLIPScore (Hessel et al., EMNLP 2021) is 2.5 times it, cut at 0. Of a text that is longer than the model reads, the
    beginning counts.
    """

    name = "clip-score"
    summary = "measures how near the picture is to the query, by a local CLIP model"
    version = f"1 transformers {installed('transformers')} torch {installed('torch')}"
    takes = "image"
    gives = "image"
    needs = ("torch", "transformers")
    extra = "local"

    class Options(PluginOptions):
        model: str = Field(min_length=1)  # a folder, or the name of a published model, which is then downloaded
        revision: str | None = None  # of a published model; a branch can move, so name a commit
        device: str = "auto"  # auto: the GPU where there is one, else the CPU; or a device of torch
        threads: int = Field(1, ge=1)  # CPU threads of a worker process; another number rounds differently

        def files(self) -> Iterable[Path]:
            return existing(self.model)

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        check_exists("model", self.options.model)

    def check(self) -> None:
        _ = self._loaded

    def convert(self, work: Work) -> Media:
        if work.media is None:
            raise self._error(work, "there is no picture yet; put a step that makes one before this one")
        try:
            work.notes.measures["clip"] = self._similarity(work, work.media)
        except (ValueError, RuntimeError) as error:
            raise self._error(work, str(error)) from error
        return work.media

    def _similarity(self, work: Work, media: Media) -> float:
        import torch

        model, processor = self._loaded
        how = {"truncation": True, "max_length": model.config.text_config.max_position_embeddings}
        picture = decode(media.read()).convert("RGB")
        inputs = processor(text=[work.query.text], images=picture, return_tensors="pt", **how)
        with reproducible(seed_of(work), self.options.threads):
            seen = model(**inputs.to(model.device))
            return float(torch.nn.functional.cosine_similarity(seen.image_embeds, seen.text_embeds).item())

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """The model and its processor. Raises BadInput where they cannot be used."""
        transformers = import_transformers(f"converter {self.name!r}")
        device, source = choose_device(self.options.device), {"revision": self.options.revision}
        try:
            with only_weights():
                processor = transformers.CLIPProcessor.from_pretrained(self.options.model, **source)
                model, found = transformers.CLIPModel.from_pretrained(
                    self.options.model, use_safetensors=True, dtype="float32", output_loading_info=True, **source
                )
        except (OSError, ValueError, KeyError, TypeError, ImportError, RuntimeError) as error:
            raise BadInput(f"model {self.options.model!r} cannot be loaded: {told(error)}") from error
        if found["missing_keys"]:  # they would be filled with random numbers
            raise BadInput(f"model {self.options.model!r} is no CLIP model: it lacks {min(found['missing_keys'])}")
        return model.to(device).eval(), processor

    def _error(self, work: Work, reason: str) -> ConversionError:
        return ConversionError(f"query {work.query.id!r}: {self.name}: {reason}")
