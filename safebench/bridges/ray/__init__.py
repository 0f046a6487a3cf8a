"""Runs and conversions whose shards are worked on by a Ray cluster.

Ray is not imported before it is used: the package of the extra `ray` may be missing.
"""
