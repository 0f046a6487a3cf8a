"""The query as an image."""

from modalities.image.modality import ImageModality

__all__ = ["ImageModality"]
