"""Written forms put as a voice says them, a kind of form in each module."""
