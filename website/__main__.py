"""Gathers the pages of the site: `docs/`, what it links to, and the reference, which is made from the code.

python -m website FOLDER
"""

import sys
from pathlib import Path

from website import api, commands, formats, plugins, staging

if __name__ == "__main__":
    pages = {"commands.md": commands.page(), "plug-ins.md": plugins.page(), **formats.pages(), **api.pages()}
    staging.gather(Path(sys.argv[1]), {f"reference/{name}": text for name, text in pages.items()})
