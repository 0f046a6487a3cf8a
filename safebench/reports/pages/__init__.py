"""The pages that people look at: a run, a comparison, many runs. They open from a folder, without a server."""
