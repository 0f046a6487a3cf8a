"""How each kind of transformers model is told which voice and language to use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from safebench.errors import BadInput, unknown


@dataclass(frozen=True, slots=True)
class Parameters:
    """What goes to the processor, and what goes to the model."""

    processor: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)

    def as_call(self) -> dict[str, Any]:
        # copies: the pipeline adds to them
        return {"preprocess_params": dict(self.processor), "forward_params": dict(self.model)}


def voice_parameters(pipeline: Any, options: Any, embedding: Any) -> Parameters:
    """Raises BadInput for a voice, language or embedding that this model does not have, or needs and did not get."""
    kind = pipeline.model.config.model_type
    taken = _TAKEN.get(kind, frozenset())
    for option in ("speaker", "language", "speaker_embedding"):
        if getattr(options, option) is not None and option not in taken:
            raise BadInput(f"model {options.model!r} ({kind}) takes no `{option}`: leave it out")
    if "speaker_embedding" in taken and embedding is None:
        raise BadInput(f"model {options.model!r} ({kind}) needs a `speaker_embedding`: a .npy file of one voice")
    if kind == "bark":
        return _bark(pipeline, options.speaker)
    if "speaker_embedding" in taken:
        return _embedded(pipeline, options, embedding)
    return _numbered(pipeline.model.config, options)


_TAKEN: Mapping[str, frozenset[str]] = {
    "vits": frozenset({"speaker"}),
    "bark": frozenset({"speaker"}),
    "seamless_m4t": frozenset({"speaker", "language"}),
    "seamless_m4t_v2": frozenset({"speaker", "language"}),
    "speecht5": frozenset({"speaker_embedding"}),
}


def _bark(pipeline: Any, speaker: int | str | None) -> Parameters:
    """Only presets that came with the model: another name would be opened as a file."""
    presets = getattr(pipeline.processor, "available_voice_presets", [])
    if speaker is None:
        return Parameters()
    if speaker not in presets:
        raise unknown("voice preset", str(speaker), presets, f"model {pipeline.model.name_or_path!r}")
    return Parameters(processor={"voice_preset": speaker})


def _embedded(pipeline: Any, options: Any, embedding: Any) -> Parameters:
    import torch

    wanted = pipeline.model.config.speaker_embedding_dim
    if embedding.shape[1] != wanted:
        given = f"{options.speaker_embedding} has {embedding.shape[1]} numbers"
        raise BadInput(f"speaker_embedding {given}, and the model takes {wanted}")
    tensor = torch.from_numpy(embedding).to(pipeline.model.device, pipeline.model.dtype)
    return Parameters(model={"speaker_embeddings": tensor})


def _numbered(config: Any, options: Any) -> Parameters:
    """Speakers by number; a single voice needs none."""
    count = getattr(config, "num_speakers", None) or getattr(config, "vocoder_num_spkrs", None) or 1
    parameters: dict[str, Any] = {"tgt_lang": options.language} if options.language else {}
    if options.speaker is not None:
        parameters["speaker_id"] = _number(options.speaker, count, options.model)
    elif count > 1 and config.model_type == "vits":
        raise BadInput(f"model {options.model!r} has {count} speakers: name one with `speaker`, 0 to {count - 1}")
    return Parameters(model=parameters)


def _number(speaker: int | str, count: int, model: str) -> int:
    number = int(speaker) if str(speaker).isdecimal() else -1
    if not 0 <= number < count:
        raise BadInput(f"unknown speaker {speaker!r} of model {model!r}: it has the numbers 0 to {count - 1}")
    return number
