"""What came of a gate, as files for CI: JUnit's XML, and a summary in GitHub's Markdown.

Names and reasons may come from a file of others or from a server: in both forms they are text and never markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree as xml

from safebench.errors import BadInput
from safebench.files import write_text
from safebench.reports.formats import doubted, percent, percents, unconcludable_lines, without_paths
from safebench.reports.release_gate import GateResult
from safebench.reports.summary import ConditionSummary, Summary

NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 has no place for
MARKUP = re.compile(r"[!\"#$&'*/:;<>?@\[\\\]^_`{|}~]|(?<=www)\.", re.IGNORECASE)  # signs of Markdown, HTML and GitHub


def make_room(file: Path) -> None:
    """What an earlier command left there would be read as this one's. Raises BadInput where no file can be."""
    if not file.parent.is_dir() or file.is_symlink() or (file.exists() and not file.is_file()):
        raise BadInput(f"{file}: no file can be written there")
    file.unlink(missing_ok=True)


def write_junit(file: Path, summary: Summary, results: Sequence[GateResult], problems: Sequence[str] | None) -> None:
    """A test for every limit, and one for the run itself, which fails by its `problems`; none where these are None,
    not known.
    """
    done = GateResult("the run", "; ".join(problems or ()) or "done", is_kept=not problems)
    tests = [*([] if problems is None else [done]), *results]
    counts = {"tests": str(len(tests)), "failures": str(sum(not one.is_kept for one in tests)), "errors": "0"}
    suites = xml.Element("testsuites", counts)
    suite = xml.SubElement(suites, "testsuite", {"name": _xml(summary.run.name), **counts})
    for one in tests:
        test = xml.SubElement(suite, "testcase", {"classname": "safebench", "name": _xml(one.name), "time": "0"})
        if one.is_kept:
            xml.SubElement(test, "system-out").text = _xml(one.detail)
        else:
            xml.SubElement(test, "failure", {"message": _xml(one.detail)}).text = _xml(one.line)
    xml.indent(suites)
    write_text(file, xml.tostring(suites, encoding="unicode", xml_declaration=False) + "\n")


def write_markdown(file: Path, summary: Summary, results: Sequence[GateResult], problems: Sequence[str] | None) -> None:
    """The limits, the rates of every condition, and all that has to be known to read them."""
    write_text(file, "\n".join(_markdown(summary, results, problems or ())) + "\n")


def _markdown(summary: Summary, results: Sequence[GateResult], problems: Sequence[str]) -> Iterator[str]:
    run = summary.run
    yield f"### SafeBench: {text(run.name)}"
    yield ""
    yield f"Target {text(run.target)}, data {text(run.data)}, jury {text(', '.join(run.jurors) or 'none')}"
    if results:
        yield from _list(f"{'✅ kept' if one.is_kept else '❌ not kept'}: {text(one.line)}" for one in results)
    yield from _rates(summary)
    to_know = [*problems, *summary.gate, *unconcludable_lines(summary.conditions)]
    to_know += [f"skipped: {one.condition}: {one.reason}" for one in summary.skipped]
    to_know += [f"unfinished: {run.pending} items have no outcome yet"] if run.pending else []
    yield from _list(text(line) for line in (*to_know, *filter(None, [run.notice])))


def _rates(summary: Summary) -> Iterator[str]:
    if not summary.conditions:
        return
    rate = summary.words.asr
    yield ""
    yield f"| condition | {rate} | 95 % interval | open | over-refusal | 95 % interval |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for cell in summary.conditions:
        yield "| " + " | ".join([text(cell.condition), *_figures(cell)]) + " |"


def _figures(cell: ConditionSummary) -> list[str]:
    still_open = sum(n for counts in cell.counts.values() for outcome, n in counts.items() if not outcome.decided)
    rates = [doubted(percent(cell.asr), cell), percents(cell.shown_ci95), f"{still_open} of {cell.n}"]
    return [*rates, percent(cell.over_refusal), percents(cell.over_refusal_ci95)]


def _list(lines: Iterable[str]) -> Iterator[str]:
    yield ""
    yield from (f"- {line}" for line in lines)


def text(shown: str) -> str:
    """Written so that nothing in it is markup, a link or a mention: each sign as its number, in a `<code>` element. Of
    paths of this machine only the last name is there: the file is read where the whole team sees it.
    """
    plain = " ".join(_xml(without_paths(shown)).split())
    return "<code>" + MARKUP.sub(lambda sign: f"&#{ord(sign[0])};", plain) + "</code>"


def _xml(text: str) -> str:
    return NO_XML.sub("\ufffd", text)
