"""Random numbers of converters: the same for the same work, others for every query, seed and place in a chain."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from safebench.plugins import Work


def generator(work: Work, *made_from: Any) -> np.random.Generator:
    """From the work's seed, query and step, and from what the caller adds (anything that JSON can hold)."""
    key = json.dumps([work.seed, work.query.id, work.step, *made_from], sort_keys=True)
    return np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest()))
