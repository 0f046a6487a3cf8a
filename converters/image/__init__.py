"""Converters from image to image: effects that stand for cameras, screens, messengers and scanners."""
