"""Faults of connections and of HTTP itself: most of them look the same in every role."""

from __future__ import annotations

import gzip
import zlib
from functools import cache

from safebench.testing.faults.fault import FAILS, LOST_AT_ONCE, PASSES, READ, Fault
from safebench.testing.server import Call, Reply, dropped

FOREVER = 60.0  # s
BOMB_MB = 65  # more than is taken of any answer
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


_NO_CONTENT = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


def _head(length: int) -> bytes:
    return _OK + b"Content-Length: %d\r\n\r\n" % length


def _longer(call: Call, good: Reply) -> Reply:
    return Reply(wire=_head(len(good.body) + 100) + good.body)


def _shorter(call: Call, good: Reply) -> Reply:
    return Reply(wire=_head(len(good.body) // 2) + good.body)


def _chunk(call: Call, good: Reply) -> Reply:
    piece = good.body[: len(good.body) // 2]
    return Reply(wire=_OK + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(piece), piece))


def _packed(call: Call, good: Reply) -> Reply:
    return Reply(gzip.compress(good.body), headers={**good.headers, "Content-Encoding": "gzip"})


@cache
def _bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    pieces = [packer.compress(b" " * 1_000_000) for _ in range(BOMB_MB)]
    return b"".join([*pieces, packer.flush()])


def _redirect(status: int) -> Fault:
    def reply(call: Call, good: Reply) -> Reply:
        there = f"http://{call.headers['host']}/elsewhere{call.path}"
        return Reply(b"", status, {"Location": there})

    handling = FAILS.but("is not followed: the call fails and names the place, and nothing is sent there")
    return Fault(f"redirect-{status}", f"A redirect, {status}, to a place that would answer.", handling, reply)


def _wire(data: bytes) -> Reply:
    return Reply(wire=data)


CONNECTIONS = (
    Fault("dropped", "The connection is closed without an answer.", PASSES, lambda call, good: dropped()),
    Fault("reset", "The connection is reset, as by a crash.", PASSES, lambda call, good: Reply(reset=True)),
    Fault("hang", "No byte comes.", PASSES, lambda call, good: Reply(delay=FOREVER), hangs=True),
    Fault(
        "drip",
        "The answer comes byte by byte, and takes longer than the time-out.",
        PASSES,
        lambda call, good: Reply(wire=_head(10_000) + b" " * 10_000, drip=0.02),
        hangs=True,
    ),
    Fault("longer-than-sent", "Content-Length says more than is sent.", PASSES, _longer),
    Fault(
        "cut-by-its-length",
        "Content-Length says less than is sent: half of the answer.",
        PASSES.but(**LOST_AT_ONCE),
        _shorter,
    ),
    Fault("cut-chunk", "A chunked answer ends in its midst.", PASSES, _chunk),
    Fault("no-http", "Something else listens: the greeting of SSH.", PASSES, lambda c, g: _wire(b"SSH-2.0-Open\r\n")),
    Fault("socks", "A SOCKS proxy answers.", PASSES, lambda call, good: _wire(b"\x05\xff")),
    Fault("status-line", "A status line without a number.", PASSES, lambda c, g: _wire(b"HTTP/1.1 abc nope\r\n\r\n")),
    Fault("headers-flood", "400 kB of headers.", PASSES, lambda c, g: _wire(_OK + b"X: yyyyyyyy\r\n" * 30_000)),
    Fault("no-content", "Status 204, without a body.", PASSES.but(**LOST_AT_ONCE), lambda c, g: _wire(_NO_CONTENT)),
    *map(_redirect, (301, 302, 307, 308)),
    Fault("gzip", "The right answer, compressed.", READ, _packed),
    Fault(
        "gzip-broken",
        "What says that it is gzip and is not.",
        PASSES.but(**LOST_AT_ONCE),
        lambda call, good: Reply(b"\x1f\x8b" + b"x" * 50, headers={"Content-Encoding": "gzip"}),
    ),
    Fault(
        "gzip-bomb",
        f"A few kB that become {BOMB_MB} MB.",
        FAILS.but("is read up to its limit and never further; the call fails and names the limit"),
        lambda call, good: Reply(_bomb(), headers={"Content-Encoding": "gzip"}),
    ),
)
