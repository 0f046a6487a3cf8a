"""The bridge to inspect_ai: our task in its `eval`, its models as our targets and jurors, its logs in our reports.

Nothing here is imported before it is used: the package of the extra `inspect` may be missing.
"""
