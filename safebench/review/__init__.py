"""Answers labelled by people."""
