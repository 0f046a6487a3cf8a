"""`safebench generate`: query sets written and judged by models, in stages with files that people can read and edit.

Everything between the stages is decided from recorded answers alone, in an order that does not depend on which answer
came first. So a set that was stopped at any instant and continued is the set of an uninterrupted run.
"""
