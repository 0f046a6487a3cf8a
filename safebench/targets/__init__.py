"""Targets: models under test, and the models behind jurors."""
