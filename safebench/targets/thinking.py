"""Thinking apart from the answer: it is kept in the record, and no juror sees it.

How models mark it is in `data/families.toml`. What no table there knows is never guessed away: it is judged with the
answer, and the answer is flagged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from safebench.models.families import Family

Pairs = tuple[tuple[str, str], ...]

_HTML = frozenset({  # elements with which an answer of text and markup begins
    "a", "abbr", "article", "audio", "b", "blockquote", "body", "br", "button", "canvas", "code", "dd", "del",
    "div", "dl", "dt", "em", "fieldset", "figure", "font", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6",
    "head", "header", "hr", "html", "i", "iframe", "img", "input", "ins", "kbd", "label", "li", "link", "main",
    "mark", "math", "meta", "nav", "ol", "option", "p", "picture", "pre", "q", "s", "samp", "script", "section",
    "select", "small", "span", "strong", "style", "sub", "sup", "svg", "table", "tbody", "td", "textarea", "th",
    "thead", "title", "tr", "tt", "u", "ul", "var", "video",
})  # fmt: skip
_BLANK = r"[\s\ufeff\u200b]*"
_ONLY_BLANK = re.compile(rf"{_BLANK}\Z")
_QUOTES = ("``", '""', "''", "“”", "‘’", "«»")
_CHANNEL = re.compile(
    r"(?:<\|start\|>[^<]*)?<\|channel\|>\s*(\w*)(?:([^<]*)(?:<\|constrain\|>[^<]*)?<\|message\|>)?", re.IGNORECASE
)
_TURN = re.compile(r"<\|(?:end|return|call|start)\|>(?:assistant\b)?", re.IGNORECASE)
_STRANGE = re.compile(  # how the marks look that an answer may begin with
    rf"{_BLANK}(?:(?P<fence>```\s{{0,4}}(?:thinking|reasoning|thoughts)\b)|(?P<token></?[\w:]*[|｜][^<>]{{1,40}}>|<[^<>]{{1,40}}[|｜]>|◁[^◁▷]{{1,40}}▷|&lt;/?\w{{1,40}}&gt;)"
    r"|</?(?P<name>[a-z][\w:.-]{0,40})(?:\s[^<>]*)?>|\[(?P<capitals>[A-Z][A-Z_]{2,40})\])",
    re.IGNORECASE,
)
_SIGN = re.compile("[<[◁`&]")  # with which marks begin that no table knows
_NOT_SPOKEN_OF = r"(?<![`\"'“‘«])"
_RESERVED = re.compile(_NOT_SPOKEN_OF + r"<unused\d{1,5}>", re.IGNORECASE)  # tokens that a model gives its own meaning
_OPENS = re.compile(r"[<\[◁][|｜]?[\w:.-]{1,41}")
_CLOSES = re.compile(
    _NOT_SPOKEN_OF + r"(?:</(?P<name>[a-z][\w:.-]{0,40})>|<[|｜]/[\w:.-]{1,40}[|｜]>|◁/[\w:.-]{1,40}▷"
    r"|\[/(?-i:[A-Z][A-Z_]{2,40})\])",
    re.IGNORECASE,
)


class Parted(NamedTuple):
    """`unknown`: a mark with which the answer begins or that is left in it, and that may stand around thinking."""

    answer: str
    thinking: str = ""
    unknown: str = ""


class _Mark(NamedTuple):
    pair: int
    opens: bool
    start: int
    end: int


def split_thinking(text: str, family: Family) -> Parted:
    """What a model wrote, without its thinking: blocks of it anywhere and in any number, whatever the case of a tag.

    The first tag may be missing, since many chat templates end with it: then all before the second one is thinking.
    Text that is still thinking at its end, from its beginning or from that of a line, has no answer there. A tag in
    quotation marks is spoken of. Without any mark all is the answer; so is what stands before a last tag alone, after
    which nothing comes: nobody knows what it is.
    """
    if not family.thinking_tags or not _may_be_marked(text, family):
        return Parted(text)
    said, thoughts, strange = _by_channel(text, family)
    said, in_words = _in_words(said, family.thinking_words)
    said, in_tags, left = _in_tags(said, family.thinking_tags)
    thinking = "\n".join(thought.strip() for thought in (*thoughts, *in_words, *in_tags) if thought.strip())
    answer = _unwrapped(said, family.answer_tags)
    return Parted(answer, thinking, strange or left or _strange(answer, family.thinking_words))


def _may_be_marked(text: str, family: Family) -> bool:
    """Whether there is any character with which a mark begins, or a word at the beginning; most texts have neither."""
    begins = text.lstrip().startswith(tuple(opening for opening, _ in family.thinking_words))
    return begins or any(
        sign.search(text) for sign in (_SIGN, *map(_first_of, (family.thinking_tags, family.answer_tags)))
    )


def is_mark(token: str, family: Family) -> bool:
    """Whether a token belongs to the markup of thinking: a tag, or the head of a channel."""
    pairs = (*family.thinking_tags, *family.answer_tags)
    return bool(_any_of(pairs).search(token)) or token in ("<|channel|>", "<|channel>", "<channel|>")


def _by_channel(text: str, family: Family) -> tuple[str, list[str], str]:
    """The answer, thoughts, and a channel that nobody knows, of text in channels; what comes before the first is
    thinking, whose channel stood in the prompt. What is sent to a tool is no answer.
    """
    heads = list(_CHANNEL.finditer(text))
    if not heads:
        return text, [], ""
    answers, thoughts, strange = [], [_TURN.sub("", text[: heads[0].start()])], ""
    ends = [*(head.start() for head in heads[1:]), len(text)]
    for head, end in zip(heads, ends, strict=True):
        name, body = head[1].lower(), _TURN.sub("", text[head.end() : end]).strip()
        if name in family.thinking_channels or "to=" in head[0]:
            thoughts.append(body)
        else:
            answers.append(body)
            strange = strange if name in family.answer_channels else head[0]
    return "\n".join(filter(None, answers)), thoughts, strange


def _in_words(text: str, pairs: Pairs) -> tuple[str, list[str]]:
    """Thinking between words, of which both are there: such words may begin any answer."""
    begun = text.lstrip()
    for opening, closing in pairs:
        thinking, closed, answer = begun.removeprefix(opening).partition(closing)
        if closed and begun.startswith(opening):
            return answer.strip(), [thinking]
    return text, []


def _in_tags(text: str, pairs: Pairs) -> tuple[str, list[str], str]:
    """The answer, thoughts, and a tag that is left because nothing tells where its thinking ends."""
    spotted = [mark for mark in _marks(text, pairs) if not _is_quoted(text, mark)]
    marks = list(_that_count(text, spotted))
    counted = frozenset(marks)
    left = next((text[mark.start : mark.end] for mark in spotted if mark.opens and mark not in counted), "")
    if not marks:
        return text, [], left
    answers: list[str] = []
    thoughts: list[str] = []
    opened: _Mark | None = None
    place = 0
    closed = {mark.pair: mark.start for mark in marks if not mark.opens}
    for mark in marks:
        if mark.opens:
            if opened is None:
                answers.append(text[place : mark.start])
                opened, place = mark, mark.end
        elif opened is None and _ONLY_BLANK.match(text, mark.end):
            answers.append(text[place : mark.start])
            left, place = left or text[mark.start : mark.end], mark.end
        elif opened is None:  # the first tag stood in the prompt
            thoughts += [*answers, text[place : mark.start]]
            answers, place = [], mark.end
        elif mark.pair == opened.pair or closed.get(opened.pair, -1) < opened.start:
            thoughts.append(text[place : mark.start])
            opened, place = None, mark.end
    (answers if opened is None else thoughts).append(text[place:])
    return "".join(answers).strip(), thoughts, left


def _that_count(text: str, marks: Sequence[_Mark]) -> Iterator[_Mark]:
    """Without a first tag in the midst of a line that nothing closes: it may be spoken of."""
    last_closing = max((mark.start for mark in marks if not mark.opens), default=-1)
    for mark in marks:
        before = text[text.rfind("\n", 0, mark.start) + 1 : mark.start]
        if not mark.opens or mark.start < last_closing or _ONLY_BLANK.match(before):
            yield mark


def _is_quoted(text: str, mark: _Mark) -> bool:
    return f"{text[mark.start - 1 : mark.start]}{text[mark.end : mark.end + 1]}" in _QUOTES


def _marks(text: str, pairs: Pairs) -> Iterator[_Mark]:
    """Tried only where a tag may begin: at every letter, dozens of forms would take longer than the call."""
    marks, place = _any_of(pairs), 0
    for begun in _first_of(pairs).finditer(text):
        if begun.start() >= place and (match := marks.match(text, begun.start())):
            group, place = match.lastgroup or "", match.end()
            yield _Mark(int(group[1:]), group.startswith("o"), *match.span())


@lru_cache(maxsize=64)
def _first_of(pairs: Pairs) -> re.Pattern[str]:
    """The characters with which the tags begin."""
    return re.compile("|".join({_bars(tag[:1]) for pair in pairs for tag in pair}), re.IGNORECASE)


@lru_cache(maxsize=64)
def _any_of(pairs: Pairs) -> re.Pattern[str]:
    both = ((f"o{n}", f"c{n}", *pair) for n, pair in enumerate(pairs))
    groups = [f"(?P<{o}>{_form(opening)})|(?P<{c}>{_form(closing)})" for o, c, opening, closing in both]
    return re.compile("|".join(groups), re.IGNORECASE)


def _form(tag: str) -> str:
    """A tag as models write it: with blanks and attributes where it looks like XML, with either kind of bar."""
    if xml := re.fullmatch(r"<(/?)([\w:|-]+)>", tag):
        slash, name = xml.groups()
        attributes = "" if slash else r"(?:\s[^<>]*)?"
        return rf"<\s*{slash}\s*{_bars(name)}{attributes}\s*>"
    return _bars(tag)


def _bars(text: str) -> str:
    return re.escape(text).replace(r"\|", "[|｜]")


def _unwrapped(text: str, pairs: Pairs) -> str:
    """Without a pair of tags around the answer proper."""
    for pair in pairs:
        marks = list(_marks(text, (pair,)))
        if marks and marks[0].opens and _ONLY_BLANK.match(text[: marks[0].start]):
            end = next((mark for mark in marks if not mark.opens), _Mark(0, False, len(text), len(text)))
            text = f"{text[marks[0].end : end.start]}{text[end.end :]}".strip()
    return text


def _strange(answer: str, words: Iterable[tuple[str, str]]) -> str:
    """The tag, token or word of a channel with which an answer begins, and which may stand around thinking."""
    begun = answer.lstrip()
    for opening, _ in words:
        after = begun[len(opening) : len(opening) + 1]
        if begun.startswith(opening) and (opening.endswith(":") or after.isupper()):
            return opening
    begins = _STRANGE.match(answer)
    reserved = _RESERVED.search(answer)
    if begins is None or reserved:
        return reserved[0] if reserved else _closing_alone(answer)
    name, capitals = begins["name"], begins["capitals"]
    if name and (name.lower() in _HTML or f"</{name.lower()}" not in answer.lower()):
        return _closing_alone(answer)
    if capitals and not (capitals.isupper() and f"[/{capitals}]" in answer):
        return _closing_alone(answer)
    return begins[0].strip()


def _closing_alone(answer: str) -> str:
    """A closing tag of an unknown name that nothing opened, and after which the answer goes on."""
    opened = {opening.lower() for opening in _OPENS.findall(answer)}
    for tag in _CLOSES.finditer(answer.rstrip()):
        is_html = tag["name"] and tag["name"].lower() in _HTML
        ends = tag.end() == len(tag.string)
        if not is_html and not ends and re.sub(r"[/>\]▷]|[|｜](?=>)", "", tag[0]).lower() not in opened:
            return tag[0]
    return ""
