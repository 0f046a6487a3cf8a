"""SafeBench measures how safely a multimodal model behaves, and whether that survives a change of modality."""

__version__ = "0.1.0"
