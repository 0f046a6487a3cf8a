"""The page on which people label answers, blind to what the jury found, to the condition and to the target."""

from __future__ import annotations

import secrets
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from safebench.errors import BadInput
from safebench.reports.pages.html import environment
from safebench.reports.pages.media import DOWNLOADED, PLAYED, previewed
from safebench.resources import prompt
from safebench.review.labels import agreements, reviewer_name
from safebench.review.sample import JudgedAnswer, label_meanings, media_file
from safebench.review.session import Session, Sessions
from safebench.taxonomy import Taxonomy
from safebench.types import Intent, Label, Media

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

TEMPLATES = Path(__file__).parent / "templates"
KEYS = {label: str(number) for number, label in enumerate(Label, start=1)}
LONGEST_FORM = 64_000  # bytes: a note, and what the page adds
POLICY = (
    "default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; img-src 'self' data:; media-src 'self' data:;"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def review_app(sessions: Sessions, token: str) -> Starlette:
    """The page of a run's sample under `/token/`."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    page = Page(sessions)
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

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions

    async def start(self, request: Request) -> Response:
        return self._start()

    async def refuse(self, request: Request, error: BadInput) -> Response:
        return self._start(str(error), status=400)

    async def item(self, request: Request) -> Response:
        session = self._session(request.query_params.get("reviewer", ""))
        one = session.next
        if one is None:
            return _shown("review_done.html", session=session)
        return _shown("review_item.html", session=session, **_told(session, one, self.sessions.taxonomy))

    async def act(self, request: Request) -> Response:
        """Keep a label, skip or take the latest label back, then show what is next."""
        form = await _form(request)
        session, id, note = self._session(form.get("reviewer", "")), form.get("item", ""), form.get("note", "").strip()
        action, _, value = form.get("do", "").partition(":")
        if id in session.waiting:
            session.drafts[id] = note
        if action == "undo":
            session.undo()
        elif id not in session.sample:
            raise BadInput(f"{id!r} is no item of this sample")
        elif action == "skip":
            session.skip(id)
        elif action == "label" and value in list(Label):
            session.label(id, Label(value), note)
        else:
            raise BadInput(f"{form.get('do', '')!r} is nothing that this page does")
        return _to_item(session)

    async def agreement(self, request: Request) -> Response:
        """Only for those who are done: before that it would tell what others found."""
        session = self._session(request.query_params.get("reviewer", ""))
        if session.next:
            return _to_item(session)
        return _shown("review_agreement.html", session=session, found=agreements(self.sessions.store))

    async def media(self, request: Request) -> Response:
        """A file of an answer of the sample, whole or in part. One that browsers might run is only to be saved."""
        from starlette.responses import FileResponse, PlainTextResponse

        one, number = self.sessions.sample.get(request.path_params["id"]), request.path_params["number"]
        if one is None or number >= len(one.all_media) or not media_file(one.all_media[number]).is_file():
            return PlainTextResponse("No such file.", 404)
        media = one.all_media[number]
        path = media_file(media)
        if _playable(media):
            return FileResponse(path, media_type=media.mime)
        return FileResponse(path, media_type=DOWNLOADED, filename=path.name)

    def _session(self, told: str) -> Session:
        return self.sessions.of(reviewer_name(told))

    def _start(self, problem: str | None = None, status: int = 200) -> Response:
        labelled = self.sessions.labelled()
        return _shown(
            "review_start.html",
            status,
            problem=problem,
            people=sorted(labelled.items()),
            size=len(self.sessions.sample),
            told=prompt("review.page").text.split("\n\n"),
            meanings=label_meanings(),
            rule=prompt("review.labels").text.rpartition("\n\n")[2],
        )


def _told(session: Session, one: JudgedAnswer, known: Taxonomy) -> dict[str, Any]:
    """What a reviewer is told of an answer: what jurors are told, and the media."""
    scenario = known.scenarios.get(one.scenario)
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
        "note": session.drafts.get(one.id, ""),
        "keys": KEYS,
        "meanings": label_meanings(),
        "rule": prompt("review.labels").text.rpartition("\n\n")[2],
    }


def _player(one: JudgedAnswer, number: int, title: str) -> dict[str, Any]:
    media = one.all_media[number]
    path = media_file(media)
    shown = {} if _playable(media) or not path.is_file() else previewed(media)
    return {
        "title": title,
        "mime": media.mime,
        "text": None,
        "kind": media.mime.partition("/")[0] if _playable(media) else None,
        "missing": Path("media", path.parent.name, path.name) if not path.is_file() else None,
        "url": f"media/{one.id}/{number}",
        **shown,
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


def _to_item(session: Session) -> Response:
    from starlette.responses import RedirectResponse

    return RedirectResponse(f"item?reviewer={quote(session.name)}", 303)


def _shown(template: str, status: int = 200, **values: Any) -> Response:
    from starlette.responses import HTMLResponse

    nonce = secrets.token_urlsafe(16)
    values |= {"nonce": nonce, "version": version("safebench")}
    text = environment(TEMPLATES).get_template(template).render(values).replace("\0", "\ufffd")  # browsers drop it
    headers = {"Content-Security-Policy": POLICY.format(nonce)}
    return HTMLResponse(text.encode("utf-8", "replace"), status, headers=headers)
