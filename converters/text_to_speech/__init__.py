"""Converters from text to speech."""
