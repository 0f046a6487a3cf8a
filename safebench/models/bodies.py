"""The body of an answer, decompressed, and never larger than somebody allows: a few kB may be gigabytes of nothing."""

from __future__ import annotations

import zlib

ENCODINGS = "gzip, deflate"  # what is asked for
LARGEST_MB = 64.0
_ANY_HEADER, _NO_HEADER = 47, -15  # of zlib's windows: gzip's or zlib's header, or none


class Oversized(ValueError):
    """The body is larger than what is taken."""


class Body:
    """Takes the body of one answer piece by piece. Raises Oversized, and ValueError for what nobody can decompress."""

    def __init__(self, encoding: str, largest_mb: float) -> None:
        names = [name for name in encoding.lower().replace(" ", "").split(",") if name not in ("", "identity")]
        if len(names) > 1 or not set(names) <= {"gzip", "x-gzip", "deflate"}:
            raise ValueError(f"the answer is encoded as {encoding!r}, which nobody asked for")
        self._largest_mb = largest_mb
        self._largest = int(largest_mb * 1_000_000)
        self._inflater = zlib.decompressobj(_ANY_HEADER) if names else None
        self._parts: list[bytes] = []
        self._size = 0
        self._is_whole = True

    def feed(self, chunk: bytes) -> None:
        if self._inflater is None:
            self._keep(chunk)
            return
        while chunk:
            out = self._inflated(self._inflater, chunk)
            self._keep(out)
            self._is_whole = self._inflater.eof
            chunk = self._inflater.unconsumed_tail
            if self._inflater.eof:  # another member may follow
                chunk, self._inflater = self._inflater.unused_data, zlib.decompressobj(_ANY_HEADER)

    def _inflated(self, inflater: zlib._Decompress, chunk: bytes) -> bytes:
        most = self._largest - self._size + 1
        try:
            return inflater.decompress(chunk, most)
        except zlib.error as error:
            if self._size or self._parts:
                raise ValueError(f"the answer cannot be decompressed: {error}") from error
        self._inflater = zlib.decompressobj(_NO_HEADER)  # some servers call that `deflate`
        try:
            return self._inflater.decompress(chunk, most)
        except zlib.error as error:
            raise ValueError(f"the answer cannot be decompressed: {error}") from error

    def _keep(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)
        if self._size > self._largest:
            raise Oversized(f"the answer is larger than {self._largest_mb:g} MB (largest_answer_mb)")

    def whole(self) -> bytes:
        if not self._is_whole:
            raise ValueError("the answer broke off")
        return b"".join(self._parts)
