"""A run opened for labelling in the browser: its sample, the page, and what is saved in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safebench.review.sample import Sample, take_sample
from safebench.store.store import Store

PACKAGES = {"jinja2": "jinja2", "starlette": "starlette", "uvicorn": "uvicorn"}  # module -> package


@dataclass(frozen=True, slots=True)
class Opened:
    """What is open for labelling, and where."""

    url: str
    sample: Sample
    pending: int  # items of the run without an outcome: it is not finished


def review(run: Path, sample: int, seed: int, port: int, opened: Callable[[Opened], None]) -> Counter[str]:
    """Serve the page until Ctrl-C; `opened` is told its address. The labels of the run by person.

    Raises BadInput when `run` is no run, is being worked on or has no judged answers, and MissingPackage.
    """
    from safebench.reports.pages.html import require_packages
    from safebench.review.loopback import Address, serve
    from safebench.review.page import review_app
    from safebench.review.session import Sessions

    require_packages("the page", PACKAGES)
    with Store(run, readonly=True) as store:  # which makes no folder where there is none
        found = take_sample(store, sample, seed)
        pending = store.count_pending()
    with Store(run) as store:
        address = Address.bind(port)
        opened(Opened(address.url, found, pending))
        serve(review_app(Sessions(store, found.answers), address.token), address)
        return Counter(name for labels in store.reviews().values() for name in labels)
