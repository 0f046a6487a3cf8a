"""When an endpoint's errors stop the work: one request that is refused says nothing of the next."""

from __future__ import annotations

from safebench.models.error_meaning import Meaning

IN_A_ROW = 10  # requests refused one after the other, after which nobody believes that it is theirs
ABOUT_REQUESTS = (403, 404)  # statuses that a firewall, a guard or a router also gives to one request alone
MEND = "look at the key, the model and what stands before the endpoint (firewall, gateway, guard)"


class Service:
    """What one endpoint has done with the requests so far."""

    def __init__(self) -> None:
        self._has_answered = False
        self._refused = 0

    def answered(self) -> None:
        self._has_answered, self._refused = True, 0

    def refused(self, meaning: Meaning, status: int) -> str | None:
        """Why no further request is worth while after this error; None where the next one may well be answered.

        A wrong key, a spent account, or before any answer a model that is not there: no request survives it.
        """
        if meaning == "no service" and not (self._has_answered and status in ABOUT_REQUESTS):
            return ""
        if meaning not in ("no service", "refused"):
            return None
        self._refused += 1
        if self._refused < IN_A_ROW:
            return None
        row = f"{self._refused} requests in a row were refused"
        return f"{row}: {MEND}, then --retry-failed asks them again; the last: "
