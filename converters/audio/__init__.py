"""Converters from speech to speech: effects that stand for rooms, lines, codecs and other people's voices.

One clip at a time in a worker process, so numpy, scipy, soxr and soundfile do the work, and librosa where speed and
pitch are changed apart from each other. Loudness is set before effects; after one only format and peak are enforced.
"""
