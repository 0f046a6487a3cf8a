"""The page on which people label answers, blind to what the jury found, to the condition and to the target."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from safebench import taxonomy
from safebench.errors import BadInput
from safebench.reports.pages.html import render
from safebench.reports.pages.media import PLAYED
from safebench.resources import prompt
from safebench.review.labels import agreements, reviewer_name
from safebench.review.sample import Judged, label_meanings, media_file
from safebench.review.session import Desk, Desks
from safebench.types import Intent, Label, Media

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

TEMPLATES = Path(__file__).parent / "templates"
KEYS = {label: str(number) for number, label in enumerate(Label, start=1)}
LONGEST_FORM = 64_000  # bytes: a note, and what the page adds
POLICY = (
    "default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; img-src 'self' data:; media-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def review_app(desks: Desks, token: str) -> Starlette:
    """The page of a run's sample under `/token/`."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    page = Page(desks)
    return Starlette(
        routes=[
            Route(f"/{token}/", page.start),
            Route(f"/{token}/item", page.item),
            Route(f"/{token}/item", page.act, methods=["POST"]),
            Route(f"/{token}/agreement", page.agreement),
            Route(f"/{token}/media/{{id}}/{{number:int}}", page.media),
        ],
        exception_handlers={BadInput: page.refuse},  # type: ignore[dict-item]
    )


class Page:
    """What the page answers. All of it on one thread: a label is kept before the next request is looked at."""

    def __init__(self, desks: Desks) -> None:
        self.desks = desks

    async def start(self, request: Request) -> Response:
        return self._start()

    async def refuse(self, request: Request, error: BadInput) -> Response:
        return self._start(str(error), status=400)

    async def item(self, request: Request) -> Response:
        desk = self._desk(request.query_params.get("reviewer", ""))
        one = desk.next
        return (
            _shown("review_item.html", desk=desk, **_told(desk, one)) if one else _shown("review_done.html", desk=desk)
        )

    async def act(self, request: Request) -> Response:
        """Keep a label, skip or take the latest label back, then show what is next."""
        form = await _form(request)
        desk, id, note = self._desk(form.get("reviewer", "")), form.get("item", ""), form.get("note", "").strip()
        action, _, value = form.get("do", "").partition(":")
        if id in desk.waiting:
            desk.drafts[id] = note
        if action == "undo":
            desk.undo()
        elif id not in desk.sample:
            raise BadInput(f"{id!r} is no item of this sample")
        elif action == "skip":
            desk.skip(id)
        elif action == "label" and value in list(Label):
            desk.label(id, Label(value), note)
        else:
            raise BadInput(f"{form.get('do', '')!r} is nothing that this page does")
        return _to_item(desk)

    async def agreement(self, request: Request) -> Response:
        """Only for those who are done: before that it would tell what others found."""
        desk = self._desk(request.query_params.get("reviewer", ""))
        if desk.next:
            return _to_item(desk)
        return _shown("review_agreement.html", desk=desk, found=agreements(self.desks.store))

    async def media(self, request: Request) -> Response:
        """A file of an answer of the sample, whole or in part. Only kinds that browsers show without running them."""
        from starlette.responses import FileResponse, PlainTextResponse

        one, number = self.desks.sample.get(request.path_params["id"]), request.path_params["number"]
        if one is None or number >= len(one.all_media) or not _playable(one.all_media[number]):
            return PlainTextResponse("No such file.", 404)
        media = one.all_media[number]
        return FileResponse(media_file(media), media_type=media.mime)

    def _desk(self, told: str) -> Desk:
        return self.desks.of(reviewer_name(told))

    def _start(self, problem: str | None = None, status: int = 200) -> Response:
        labelled = self.desks.labelled()
        return _shown(
            "review_start.html",
            status,
            problem=problem,
            people=sorted(labelled.items()),
            size=len(self.desks.sample),
            told=prompt("review.page").text.split("\n\n"),
            meanings=label_meanings(),
            rule=prompt("review.labels").text.rpartition("\n\n")[2],
        )


def _told(desk: Desk, one: Judged) -> dict[str, Any]:
    """What a reviewer is told of an answer: what jurors are told, and the media."""
    scenario = taxonomy.scenarios().get(one.scenario)
    sent = [_player(one, 0, "The question as it was put")] if one.media else []
    first = len(sent)
    said = [_player(one, n, f"Answer, file {n - first + 1}") for n in range(first, len(one.all_media))]
    return {
        "one": one,
        "scenario": scenario.name if scenario else one.scenario,
        "description": scenario.description if scenario else "",
        "hidden": one.intent == Intent.HARMFUL,  # all of them: hiding only unsafe answers would tell the verdict
        "sent": sent,
        "said": said,
        "note": desk.drafts.get(one.id, ""),
        "keys": KEYS,
        "meanings": label_meanings(),
        "rule": prompt("review.labels").text.rpartition("\n\n")[2],
    }


def _player(one: Judged, number: int, title: str) -> dict[str, Any]:
    media = one.all_media[number]
    path = media_file(media)
    return {
        "title": title,
        "mime": media.mime,
        "kind": media.mime.partition("/")[0] if _playable(media) else None,
        "missing": Path("media", path.parent.name, path.name) if not path.is_file() else None,
        "url": f"media/{one.id}/{number}",
    }


def _playable(media: Media) -> bool:
    return media.mime.partition("/")[0] in PLAYED and media_file(media).is_file()


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_FORM:
            raise BadInput(f"a form of over {LONGEST_FORM} bytes: shorten the note")
    fields = parse_qs(body.decode("ascii", "replace"), keep_blank_values=True, errors="replace")
    return {name: values[-1] for name, values in fields.items()}


def _to_item(desk: Desk) -> Response:
    from starlette.responses import RedirectResponse

    return RedirectResponse(f"item?reviewer={quote(desk.name)}", 303)


def _shown(template: str, status: int = 200, **values: Any) -> Response:
    from starlette.responses import HTMLResponse

    nonce = secrets.token_urlsafe(16)
    text = render(template, TEMPLATES, nonce=nonce, **values).replace("\0", "\ufffd")  # which browsers would drop
    return HTMLResponse(
        text.encode("utf-8", "replace"), status, headers={"Content-Security-Policy": POLICY.format(nonce)}
    )
