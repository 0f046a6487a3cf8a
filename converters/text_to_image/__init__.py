"""Converters from text to an image."""
