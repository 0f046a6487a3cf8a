"""How near a picture is to the query, by a CLIP model on this machine. The picture itself is passed on as it is."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from converters.local_options import LocalOptions
from converters.naming import naming
from converters.pictures import decode
from safebench.errors import BadInput, ConversionError
from safebench.models.torch_backend import (
    check_exists,
    choose_device,
    import_transformers,
    installed,
    load_problem,
    only_weights,
    reproducible,
    seed_of,
)
from safebench.plugins import Converter, Work
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

    class Options(LocalOptions):
        revision: str | None = None  # of a published model; a branch can move, so name a commit

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        check_exists("model", self.options.model)

    def check(self) -> None:
        _ = self._loaded

    def convert(self, work: Work) -> Media:
        with naming(work, self.name, ValueError, RuntimeError):
            if work.media is None:
                raise ConversionError("there is no picture yet; put a step that makes one before this one")
            work.notes.measures["clip"] = self._similarity(work, work.media)
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
                model, loading = transformers.CLIPModel.from_pretrained(
                    self.options.model, use_safetensors=True, dtype="float32", output_loading_info=True, **source
                )
        except (OSError, ValueError, KeyError, TypeError, ImportError, RuntimeError) as error:
            raise BadInput(f"model {self.options.model!r} cannot be loaded: {load_problem(error)}") from error
        if loading["missing_keys"]:  # they would be filled with random numbers
            raise BadInput(f"model {self.options.model!r} is no CLIP model: it lacks {min(loading['missing_keys'])}")
        return model.to(device).eval(), processor
