"""`safebench data push`: a folder onto a hub of data sets, private unless the user says otherwise."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

from safebench.datasets.card import CARD_FILE
from safebench.datasets.load import QUERY_FILES, query_file
from safebench.datasets.shards import check_shards, finished
from safebench.errors import BadInput, MissingPackage

PACKAGE = "huggingface_hub"
SHARDS = "*/train-*.parquet"


def push(folder: Path, name: str, *, public: bool = False) -> str:
    """Upload a converted or exported folder to OWNER/NAME in one commit, in place of an earlier one; gives its address.

    The token comes from HF_TOKEN or from the hub's own login, the hub's address from HF_ENDPOINT or from its package.
    Raises BadInput for a folder that is neither, without a token, for a data set there that is public when `public` was
    not said, and for whatever the hub declines; MissingPackage without the hub's package.
    """
    pushed = _pushed(folder)
    if name.count("/") != 1:
        raise BadInput(f"{name!r} is not written OWNER/NAME")
    if importlib.util.find_spec(PACKAGE) is None:
        raise MissingPackage("data push", [PACKAGE], "hub")
    from huggingface_hub import get_token
    from huggingface_hub.errors import HfHubHTTPError

    token = get_token()
    if token is None:
        raise BadInput("the hub wants a token: set HF_TOKEN, or log in with `hf auth login`")
    try:
        return _upload(folder, name, token, public, pushed)
    except (*HfHubHTTPError.__bases__, ValueError) as error:  # whichever HTTP library this version of the hub uses
        raise BadInput(f"data set {name} was not pushed: {first_line(error)}") from error


def _pushed(folder: Path) -> list[str]:
    """Not the conversion's own file, which names paths of this machine."""
    file = query_file(folder)
    if file is not None:
        return ["README.md", CARD_FILE, file.name]
    if finished(folder):
        check_shards(folder)
        return ["README.md", SHARDS]
    raise BadInput(
        f"{folder} is no folder that `safebench convert` has finished or `safebench data export` made: "
        "there is nothing to push"
    )


def _upload(folder: Path, name: str, token: str, public: bool, pushed: list[str]) -> str:
    from huggingface_hub import HfApi

    api: Any = HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token, library_name="safebench")
    address = api.create_repo(name, repo_type="dataset", private=not public, exist_ok=True)
    if not public and not api.repo_info(name, repo_type="dataset").private:
        raise BadInput(f"data set {name} is there already and public: choose another name, or say --public")
    api.upload_folder(
        repo_id=name, repo_type="dataset", folder_path=folder, allow_patterns=pushed,
        delete_patterns=[SHARDS, *QUERY_FILES.values()], commit_message="From SafeBench",
    )  # fmt: skip
    return str(address)


def first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
