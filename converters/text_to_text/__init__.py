"""Converters from text to text: they stand in front of any recipe."""
