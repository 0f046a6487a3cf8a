"""Converters: media from text, or media from media. One file each."""
