"""Why no answer came from an endpoint, in words that tell what to do."""

from __future__ import annotations

import ssl

NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG")
SOCKS = r"b'\x05"  # how an answer begins that is one of SOCKS 5
LONGEST = 300  # characters


def innermost(error: BaseException) -> BaseException:
    return innermost(error.__cause__) if error.__cause__ is not None else error


def cause(error: BaseException) -> str:
    """The innermost reason, on one line."""
    inner = innermost(error)
    if isinstance(inner, ssl.SSLError):
        return _of_tls(inner)
    text = " ".join(str(inner).split()) or type(inner).__name__
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
