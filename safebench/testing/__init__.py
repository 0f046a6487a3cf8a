"""Fakes that ship with the library, so that third parties can test their plug-ins without a network."""
