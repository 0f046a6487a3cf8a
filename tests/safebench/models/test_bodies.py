from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safebench.models.bodies import Body, Oversized


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKED = {"": bytes, "identity": bytes, "gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress}


def read(encoding: str, data: bytes, step: int = 7, largest_mb: float = 1.0) -> bytes:
    body = Body(encoding, largest_mb)
    for at in range(0, len(data), step):
        body.feed(data[at : at + step])
    return body.whole()


@pytest.mark.parametrize("encoding", PACKED)
@given(data=st.binary(max_size=300), step=st.integers(1, 400))
def test_a_body_is_what_was_sent(encoding: str, data: bytes, step: int) -> None:
    assert read(encoding, PACKED[encoding](data), step) == data


def test_a_deflated_body_without_a_header_and_a_gzip_file_of_several_members_are_read() -> None:
    assert read("deflate", bare(b"Hello." * 9), 500) == b"Hello." * 9
    assert read("gzip", gzip.compress(b"Hello, ") + gzip.compress(b"world.")) == b"Hello, world."


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
def test_a_body_that_grows_beyond_the_limit_is_never_held(encoding: str) -> None:
    bomb = PACKED[encoding](bytes(30_000_000))
    with pytest.raises(Oversized, match=r"larger than 1 MB \(largest_answer_mb\)"):
        read(encoding, bomb, 65_536)
    tracemalloc.start()
    with pytest.raises(Oversized):
        read(encoding, bomb, len(bomb))
    assert tracemalloc.get_traced_memory()[1] < 4 * len(bomb) + 4_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("encoding", "data", "message"),
    [
        ("br", b"abc", "which nobody asked for"),
        ("gzip, gzip", b"abc", "which nobody asked for"),
        ("gzip", b"no gzip at all", "cannot be decompressed"),
        ("gzip", gzip.compress(b"Hello." * 99, mtime=0)[:-12], "broke off"),
        ("gzip", gzip.compress(b"Hello.", mtime=0)[:-8] + bytes(8), "cannot be decompressed"),
    ],
)
def test_what_cannot_be_read_is_a_value_error(encoding: str, data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(encoding, data, 1000)
