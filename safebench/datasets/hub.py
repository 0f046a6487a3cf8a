"""Onto a hub of data sets and models: a folder by `safebench data push`, what others upload; private unless said."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safebench.datasets.card import CARD_FILE
from safebench.datasets.cutting import KEY
from safebench.datasets.load import QUERY_FILES, query_file
from safebench.datasets.shards import check_shards, finished, read_convert_file
from safebench.errors import BadInput, MissingPackage
from safebench.taxonomy import FILE

PACKAGE = "huggingface_hub"
SHARDS = "*/train-*.parquet"


def push(folder: Path, name: str, *, public: bool = False) -> str:
    """Upload a converted or exported folder to OWNER/NAME in one commit, in place of an earlier one; gives its address.

    The token comes from HF_TOKEN or from the hub's own login, the hub's address from HF_ENDPOINT or from its package.
    Raises BadInput for a folder that is neither, without a token, for a data set there that is public when `public` was
    not said, and for whatever the hub declines; MissingPackage without the hub's package.
    """
    pushed = _pushed(folder)
    if importlib.util.find_spec(PACKAGE) is None:
        raise MissingPackage("data push", [PACKAGE], "hub")
    return upload_dataset(folder, name, pushed, [SHARDS, FILE, *QUERY_FILES.values()], public=public)


def upload_dataset(folder: Path, name: str, pushed: list[str], replaced: list[str], *, public: bool) -> str:
    """Put files of a folder into the data set OWNER/NAME in one commit, in place of those `replaced`; its address.

    Raises BadInput as `push` does.
    """
    with hub(name, f"data set {name} was not pushed") as api:
        address = api.create_repo(name, repo_type="dataset", private=not public, exist_ok=True)
        if not public and not api.repo_info(name, repo_type="dataset").private:
            raise BadInput(
                f"data set {name} is there already and public: choose another name, or say that it may be"
                " (--public, of an export --option public=true)"
            )
        api.upload_folder(
            repo_id=name, repo_type="dataset", folder_path=folder, allow_patterns=pushed, delete_patterns=replaced,
            commit_message="From SafeBench",
        )  # fmt: skip
        return str(address)


@contextmanager
def hub(name: str, failed: str) -> Iterator[Any]:
    """The hub's client, with a token. Raises BadInput for a `name` that is none and without a token, and where the hub
    declines what is asked meanwhile, with what `failed`.
    """
    if name.count("/") != 1:
        raise BadInput(f"{name!r} is not written OWNER/NAME")
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HfHubHTTPError

    token = get_token()
    if token is None:
        raise BadInput("the hub wants a token: set HF_TOKEN, or log in with `hf auth login`")
    try:
        yield HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token, library_name="safebench")
    except (*HfHubHTTPError.__bases__, ValueError) as error:  # whichever HTTP library this version of the hub uses
        raise BadInput(f"{failed}: {first_line(error)}") from error


def _pushed(folder: Path) -> list[str]:
    """Not the conversion's own file, which names paths of this machine."""
    file = query_file(folder)
    if file is not None:
        return ["README.md", CARD_FILE, FILE, file.name]
    if finished(folder):
        check_shards(folder)
        if shard := read_convert_file(folder).get(KEY):
            raise BadInput(f"{folder} holds shard {shard} of a conversion: merge the shards, and push the whole")
        return ["README.md", FILE, SHARDS]
    raise BadInput(
        f"{folder} is no folder that `safebench convert` has finished or `safebench data export` made: "
        "there is nothing to push"
    )


def first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
