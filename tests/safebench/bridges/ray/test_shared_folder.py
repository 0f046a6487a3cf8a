from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from safebench.bridges.ray.shared_folder import STOPPED, WHOLE, SharedFolder


@pytest.fixture(params=["folder", "memory"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> SharedFolder:
    return SharedFolder(str(tmp_path / "shards") if request.param == "folder" else f"memory://{uuid4().hex}/shards")


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    folder = tmp_path / "shard"
    (folder / "media" / "ab").mkdir(parents=True)
    (folder / "run.toml").write_text("a = 1\n", encoding="utf-8")
    (folder / "media" / "ab" / "clip.wav").write_bytes(bytes(range(256)))
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_shard_comes_back_as_it_was_put(shared: SharedFolder, shard: Path, tmp_path: Path) -> None:
    assert shared.whole(3) == set()
    shared.put(shard, 2, WHOLE)
    shared.put(shard, 1, STOPPED)
    assert shared.whole(3) == {2}
    shared.get(1, STOPPED, tmp_path / "again")
    assert files(tmp_path / "again") == files(shard)
    shared.get(3, STOPPED, tmp_path / "none")
    assert not (tmp_path / "none").exists()
    (shard / "run.toml").write_text("a = 2\n", encoding="utf-8")
    shared.put(shard, 1, WHOLE)
    shared.put(shard, 2, WHOLE)  # by another machine, which was thought to be lost
    with shared.folders(2) as folders:
        assert [files(folder) for folder in folders] == [files(shard), files(shard)]


def test_what_a_machine_died_over_is_not_there(
    shared: SharedFolder, shard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared._files, "pipe_file", killed)
    with pytest.raises(RuntimeError, match="killed"):
        shared.put(shard, 1, WHOLE)
    monkeypatch.undo()
    assert shared.whole(1) == set()
    shared._files.pipe_file(shared._path("000001.whole"), b"")  # before the name was in it
    assert shared.whole(1) == set()


def killed(*_: object) -> None:
    raise RuntimeError("killed")


def test_what_the_shards_are_of_is_kept(shared: SharedFolder) -> None:
    assert shared.read() == ""
    shared.write("data = 'ä'\n")
    assert shared.read() == "data = 'ä'\n"
