"""The way to an endpoint: the proxy that stands before it, and why no answer came, in words that tell what to do."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from safebench.errors import BadInput

NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG")
SOCKS = r"b'\x05"  # how an answer begins that is one of SOCKS 5
LONGEST = 300  # characters


def proxy_of(base_url: str) -> str | None:
    """The proxy that the environment names for a host, login and all; without a scheme it is taken for one of HTTP.

    Raises BadInput for one that nobody here speaks to, such as SOCKS, and for what is no address.
    """
    parts = urlsplit(base_url)
    named = getproxies().get(parts.scheme) or getproxies().get("all")
    if not named or proxy_bypass(parts.netloc):
        return None
    url = named if "://" in named else f"http://{named}"
    which = f"the proxy for {parts.scheme} addresses ({parts.scheme.upper()}_PROXY or ALL_PROXY)"
    mend = "name an HTTP proxy, or leave it out for this host with NO_PROXY"
    if url.lower().startswith("socks"):
        raise BadInput(f"{which} is one of SOCKS, {_without_login(url)}, which is not supported: {mend}")
    if not _is_address(url):
        raise BadInput(f"{which} is no address of one, {_without_login(url)!r}: {mend}")
    return url


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return is_port and parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in parts.netloc


def _without_login(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def innermost(error: BaseException) -> BaseException:
    return innermost(error.__cause__) if error.__cause__ is not None else error


def cause(error: BaseException, hide: Callable[[str], str] = str) -> str:
    """The innermost reason, on one line. `hide`: takes out what must not be told, before the line is cut."""
    inner = innermost(error)
    if isinstance(inner, ssl.SSLError):
        return _of_tls(inner)
    text = " ".join(hide(str(inner)).split()) or type(inner).__name__
    if SOCKS in text:
        text = f"what answers there, or the proxy before it, speaks SOCKS and not HTTP ({text})"
    through = next((one for one in _chain(error) if type(one).__name__ == "ClientProxyConnectionError"), None)
    text = f"the proxy cannot be reached: {text}" if through else text
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _chain(error: BaseException | None) -> list[BaseException]:
    return [] if error is None else [error, *_chain(error.__cause__)]


def _of_tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"TLS: its certificate is not accepted ({error.verify_message}); SSL_CERT_FILE names authorities that are"
        )
    reason = str(error.reason or error)
    hint = "; if the server speaks no TLS, its address begins with http://" if reason in NO_TLS else ""
    return f"TLS: {reason.replace('_', ' ').lower()}{hint}"
