"""How often a jury is right, and rates that are corrected for it."""

CONFIDENCE = 0.95  # of all intervals
