"""A hub on loopback that speaks as much of its protocol as an upload of small files needs."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from safebench.testing.server import Call, Reply, ScriptedServer

if TYPE_CHECKING:
    import pytest

TOKEN = "hf_onlyfortests"


class Hub:
    """Of one data set or model. Keeps what is pushed: `files` by path, `private`, the tokens that came along, and the
    titles of pull requests.
    """

    def __init__(self) -> None:
        self.url = ""
        self.files: dict[str, bytes] = {}
        self.private: bool | None = None  # None: no such data set
        self.tokens: set[str] = set()
        self.refuses: int | None = None  # the status of an error for every commit
        self.opened: list[str] = []

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if path == "/api/repos/create":
            told = json.loads(body)
            name = f"{told['organization']}/{told['name']}"
            if self.private is not None:
                return 409, {"error": "there already", "url": f"{self.url}/datasets/{name}"}
            self.private = told.get("private", told.get("visibility") == "private")
            return 200, {"url": f"{self.url}/datasets/{name}", "name": name, "id": "1"}
        if path == "/api/whoami-v2":
            return 200, {"name": "someone", "type": "user"}
        if path.endswith("/discussions") and method == "POST":
            self.opened.append(json.loads(body)["title"])
            return 200, {"num": len(self.opened)}
        if "/discussions/" in path:
            number = int(path.rpartition("/")[2])
            return 200, _pull_request(number, self.opened[number - 1])
        if path.endswith("/discussions"):
            found = [_pull_request(number, title) for number, title in enumerate(self.opened, 1)]
            return 200, {"count": len(found), "start": 0, "discussions": found}
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if "/preupload/" in path:
            told = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in json.loads(body)["files"]
            ]
            return 200, {"files": told}
        if "/commit/" in path:
            return self._commit([json.loads(line) for line in body.splitlines()])
        if named := re.fullmatch(r"/[\w-]+/[\w-]+/resolve/[^/]+/(.+)", path):
            return 200, self.files[named[1]]
        if "/tree/" in path:
            return 200, [{"type": "file", "path": p, "size": len(d), "oid": "0" * 40} for p, d in self.files.items()]
        if named := re.fullmatch(r"/api/(?:datasets|models)/([\w-]+/[\w-]+)(/revision/[\w%]+)?", path):
            if self.private is None:
                return 404, {"error": "no such repository"}
            siblings = [{"rfilename": path} for path in self.files]
            return 200, {"id": named[1], "private": self.private, "sha": "0" * 40, "siblings": siblings}
        return 404, {"error": f"{method} {path}"}

    def _commit(self, lines: list[dict[str, Any]]) -> tuple[int, Any]:
        if self.refuses is not None:
            return self.refuses, {"error": "not today"}
        for line in lines:
            if line["key"] == "file":
                self.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "deletedFile":
                del self.files[line["value"]["path"]]
        return 200, {"commitUrl": f"{self.url}/someone/it/commit/1", "commitOid": "1" * 40, "hookOutput": ""}


def _pull_request(number: int, title: str) -> dict[str, Any]:
    return {
        "num": number, "title": title, "createdAt": "2026-01-01T00:00:00.000Z", "status": "draft",
        "isPullRequest": True,
        "repo": {"name": "someone/it", "type": "model"}, "author": {"name": "someone"},
        "events": [], "changes": {"base": "refs/heads/main"}, "filesWithConflicts": False,
    }  # fmt: skip


@contextmanager
def answering() -> Iterator[Hub]:
    hub = Hub()

    def answer(call: Call) -> Reply:
        hub.tokens.add(call.headers.get("authorization", ""))
        status, told = hub.answer(call.method, call.path.partition("?")[0], call.raw)
        if isinstance(told, bytes):  # a file
            return Reply(told, status, {"ETag": f'"{sha256(told).hexdigest()}"', "X-Repo-Commit": "0" * 40})
        return Reply(json.dumps(told).encode(), status)

    with ScriptedServer(answer, any_method=True) as server:
        hub.url = server.root
        yield hub


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that the client takes for the real one, with a token for it."""
    with answering() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield hub
