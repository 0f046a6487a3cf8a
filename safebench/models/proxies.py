"""The proxy that stands before an endpoint: the one that the environment names for its host, of HTTP alone."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from safebench.errors import BadInput


def proxy_of(base_url: str) -> str | None:
    """Its URL, login and all; without a scheme it is taken for one of HTTP.

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
