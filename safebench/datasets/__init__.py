"""Data sets: read, checked, converted, imported and written."""
