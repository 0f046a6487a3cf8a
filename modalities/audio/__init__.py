"""The query as speech."""

from modalities.audio.modality import AudioModality

__all__ = ["AudioModality"]
