"""Modalities: one folder for each medium. Each can be deleted without touching the others."""
