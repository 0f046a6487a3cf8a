"""Expected forms were written down from how the sentences are read aloud, not from what the code gives."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.text_to_text.spoken.language import known_languages, language
from converters.text_to_text.spoken_form import SpokenForm, written_out
from safebench import registry
from safebench.errors import BadInput, ConversionError
from safebench.plugins import Converter, Work
from safebench.types import Query

ENGLISH = {
    # numbers
    "3 apples": "three apples",
    "21 pears": "twenty-one pears",
    "0 left": "zero left",
    "1,234 people": "one thousand two hundred and thirty-four people",
    "1,000,000 ants": "one million ants",
    "12000000 ants": "twelve million ants",
    "Pi is 3.14.": "Pi is three point one four.",
    "a .5 share": "a zero point five share",
    "It was -5 outside": "It was minus five outside",
    "agent 007": "agent zero zero seven",
    "COVID-19": "COVID-nineteen",
    "B2B": "B two B",
    "a 19-year-old": "a nineteen-year-old",
    "5-10 people": "five to ten people",
    "16:9": "sixteen to nine",
    "Python 3.11.2": "Python three dot eleven dot two",
    "٣٤ and ③": "thirty-four and three",
    # ordinals
    "the 1st and 2nd": "the first and second",
    "the 21st century": "the twenty-first century",
    "the 1,000th visitor": "the one thousandth visitor",
    # fractions and powers
    "1/2 of it": "one half of it",
    "3/4 of it": "three quarters of it",
    "2/3 of it": "two thirds of it",
    "2½ cups": "two and one half cups",
    "12/5": "twelve slash five",
    "5/12": "five slash twelve",
    "since 9/11": "since nine eleven",
    "my 401(k)": "my four oh one k",
    "x² + y³": "x squared plus y cubed",
    "H₂O": "H two O",
    # years, dates, times
    "in 1984": "in nineteen eighty-four",
    "in 2005": "in two thousand and five",
    "1914-1918": "nineteen fourteen to nineteen eighteen",
    "the 1990s": "the nineteen nineties",
    "the '80s": "the eighties",
    "on 2024-03-15": "on March fifteenth, twenty twenty-four",
    "on 3/15/2024": "on March fifteenth, twenty twenty-four",
    "on 25/12/1999": "on December twenty-fifth, nineteen ninety-nine",
    "on 7/4/76": "on July fourth, nineteen seventy-six",
    "on July 4, 1776": "on July fourth, seventeen seventy-six",
    "on 4 July": "on the fourth of July",
    "on Jan. 5": "on January fifth",
    "99/99/2024": "ninety-nine slash ninety-nine slash twenty twenty-four",
    "at 3:30 pm": "at three thirty p m",
    "At 3 p.m. He left.": "At three p m. He left.",
    "at 9:05": "at nine oh five",
    "at 10:00": "at ten o'clock",
    "at 10:30:15": "at ten thirty and fifteen seconds",
    # money
    "$5": "five dollars",
    "$1": "one dollar",
    "$5.99": "five dollars and ninety-nine cents",
    "$0.01": "one cent",
    "$1,234.56": "one thousand two hundred and thirty-four dollars and fifty-six cents",
    "$2.5bn": "two point five billion dollars",
    "£3.50": "three pounds and fifty pence",
    "5 €": "five euros",
    "$5 million": "five million dollars",
    "50 CHF": "fifty Swiss francs",
    "TRY ALL 5": "TRY ALL five",
    "-$3": "minus three dollars",
    # units
    "5 km": "five kilometers",
    "1 km": "one kilometer",
    "100 km/h": "one hundred kilometers per hour",
    "20 °C": "twenty degrees Celsius",
    "5 mg/kg": "five milligrams per kilogram",
    "3 m²": "three square meters",
    "50%": "fifty percent",
    "5-10%": "five to ten percent",
    "2.5GB": "two point five gigabytes",
    # telephone numbers and other runs of digits
    "call 555-1234": "call five five five, one two three four",
    "call (555) 123-4567": "call five five five, one two three, four five six seven",
    "call +1 555 123 4567": "call plus one, five five five, one two three, four five six seven",
    "4111 1111 1111 1111": "four one one one, one one one one, one one one one, one one one one",
    "account 12345678901": "account one two three four five six seven eight nine zero one",
    # abbreviations
    "Dr. Smith vs. Mr. Jones": "Doctor Smith versus Mister Jones",
    "fruit, e.g. apples": "fruit, for example apples",
    "E.g. apples": "For example apples",
    "apples, etc.": "apples, et cetera.",
    "apples, etc. Then more.": "apples, et cetera. Then more.",
    "Main St. in St. Louis": "Main Street in Saint Louis",
    "the U.S. Army": "the U S Army",
    "No. 5": "number five",
    "I told Jan.": "I told Jan.",
    "24/7": "twenty-four seven",
    "open 24-7": "open twenty-four seven",
    # what was half said once
    "12 345 ants": "twelve thousand three hundred and forty-five ants",
    "1 984 ants": "one thousand nine hundred and eighty-four ants",
    "1 234.56": "one thousand two hundred and thirty-four point five six",
    "after 1h 30m": "after one hour thirty minutes",
    "1h30m": "one hour thirty minutes",
    "1 h 30 m 5 s": "one hour thirty minutes five seconds",
    "the under-18s": "the under-eighteens",
    "the over-40s": "the over-forties",
    "in 1066": "in ten sixty-six",
    "one in 1024": "one in one thousand and twenty-four",
    "in 1024 steps": "in one thousand and twenty-four steps",
    "type II diabetes": "type two diabetes",
    "Vol. II": "Volume two",
    "Super Bowl LVIII": "Super Bowl fifty-eight",
    "Super Bowl LV": "Super Bowl fifty-five",
    "Washington DC": "Washington DC",
    "5kgs": "five kilograms",
    "10**6": "ten to the power of six",
    # addresses
    "see https://www.example.com/a?b=1.": "see w w w dot example dot com slash a question mark b equals one.",
    "visit example.org": "visit example dot org",
    "jane.doe42@example.org": "jane dot doe forty-two at example dot org",
    # symbols and emoji
    "R&D": "R and D",
    "2+2=4": "two plus two equals four",
    "10 - 3": "ten minus three",
    "#1": "number one",
    "#MeToo": "hashtag MeToo",
    "in C#": "in C sharp",
    "~20 of them": "about twenty of them",
    "@user": "at user",
    "I ❤️ it 😀!": "I red heart it grinning face!",
    "🇩🇪": "Germany",
    "1️⃣": "keycap one",
}
GERMAN = {
    "3 Äpfel": "drei Äpfel",
    "1.234,5": "eintausendzweihundertvierunddreißig Komma fünf",
    "1 Million": "eine Million",
    "um 15:30 Uhr": "um fünfzehn Uhr dreißig",
    "um 1 Uhr": "um ein Uhr",
    "am 3.10.1990": "am dritten Oktober neunzehnhundertneunzig",
    "der 3. Platz": "der dritte Platz",
    "1 h, 21 h, 1 km": "eine Stunde, einundzwanzig Stunden, ein Kilometer",
    "5,99 €": "fünf Euro und neunundneunzig Cent",
    "50 %": "fünfzig Prozent",
    "12 345": "zwölftausenddreihundertfünfundvierzig",
    "1h 30m": "eine Stunde dreißig Minuten",
    "z. B. Äpfel usw.": "zum Beispiel Äpfel und so weiter.",
    "Dr. Müller, Nr. 5": "Doktor Müller, Nummer fünf",
    "max@beispiel.de": "max ät beispiel Punkt de",
    "die 1990er Jahre": "die neunzehnhundertneunziger Jahre",
    "2/3 😀": "zwei drittel grinsendes gesicht",
}
FRENCH = {
    "21 poires et 80 noix": "vingt et un poires et quatre-vingts noix",
    "1 234,5": "mille deux cent trente-quatre virgule cinq",
    "à 15h30": "à quinze heures trente",
    "à 1 h": "à une heure",
    "1h 30m": "une heure trente minutes",
    "le 1/10/2024": "le premier octobre deux mille vingt-quatre",
    "la 2e fois": "la deuxième fois",
    "5,99 €": "cinq euros et quatre-vingt-dix-neuf centimes",
    "5 millions €": "cinq millions d’euros",
    "1 t, 2 km": "une tonne, deux kilomètres",
    "50 %": "cinquante pour cent",
    "Me voici": "Me voici",
    "M. Dupont et Mme Martin": "Monsieur Dupont et Madame Martin",
    "jean@exemple.fr": "jean arobase exemple point fr",
    "01 23 45 67 89": "zéro un, deux trois, quatre cinq, six sept, huit neuf",
}
SPANISH = {
    "21 km": "veintiún kilómetros",
    "1 h": "una hora",
    "1.234,5": "mil doscientos treinta y cuatro coma cinco",
    "a las 15:30": "a las quince y treinta",
    "el 3/10/2024": "el tres de octubre de dos mil veinticuatro",
    "el 1.º y la 2ª": "el primero y la segunda",
    "el 3er piso": "el tercer piso",
    "5,99 €": "cinco euros y noventa y nueve céntimos",
    "5 millones €": "cinco millones de euros",
    "50 %": "cincuenta por ciento",
    "El Sr. Pérez y la Dra. Gómez": "El Señor Pérez y la Doctora Gómez",
    "juan@ejemplo.es": "juan arroba ejemplo punto es",
    "R&D": "R y D",
}
FURTHER = tomllib.loads(Path(__file__).with_name("spoken_forms.toml").read_text(encoding="utf-8"))
TABLES = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH}
CASES = [(code, *case) for code, table in TABLES.items() for case in (table | FURTHER[code]).items()]
LEAST = {"en": 200, "de": 50, "fr": 50, "es": 50}


@pytest.mark.parametrize(("code", "written", "spoken"), CASES)
def test_it_is_written_out_as_one_says_it(code: str, written: str, spoken: str) -> None:
    assert written_out(written, language(code)) == spoken


@pytest.mark.parametrize(("code", "written", "spoken"), CASES)
def test_what_is_written_out_stays_as_it_is(code: str, written: str, spoken: str) -> None:
    assert written_out(spoken, language(code)) == spoken


def test_every_language_that_is_shipped_is_tested() -> None:
    counts = Counter(code for code, _, _ in CASES)
    assert set(counts) == set(known_languages())
    assert all(counts[code] >= least for code, least in LEAST.items())


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("Is 3f2504e04f8941d39a0c0305e82c3301 a hash?", "3f2504e04f8941d39a0c0305e82c3301"),
        ("Decode SG93IGRvIEkgYmFrZSBicmVhZD8= please", "SG93IGRvIEkgYmFrZSBicmVhZD8"),
        ("Solve ∫ x² dx", "INTEGRAL"),
        ("A ☞ B ✓", "WHITE RIGHT POINTING INDEX"),
        ("Pay ₿2", "BITCOIN SIGN"),
    ],
)
def test_what_no_rule_knows_is_refused_and_never_half_said(text: str, sign: str) -> None:
    converter = registry.create(Converter, "spoken-form", "test")
    with pytest.raises(ConversionError, match=re.escape(sign)):
        converter.convert(Work(Query("q", text), text))


HALF_SAID = {
    "en": [
        "1.000.000",
        "3,50",
        "6' long",
        '1/2" wide',
        "3.14.15abc",
        "a 90s timer",
        "the 1920s-30s",
        "X$5",
        "MP3s",
        "under 18s",
        "30-06",
        "101 102 103",
    ],
    "de": [
        "1,000,000",
        "5'11\"",
        "2nd",
        "12h30",
        "3.14.15abc",
        "B-52s",
        "10:30-11",
        "5' groß",
        "die 90s",
        "101 102 103",
    ],
    "fr": ["1,000,000", "1.000.000", "5'11\"", "2nd", "3.14.15abc", "5' de haut"],
    "es": ["1,000,000", "5'11\"", "2nd", "12h30", "3.14.15abc", "los 90s", "101 102 103"],
}
HALF_SAID_ANYWHERE = [
    "12-34-56",
    "192.168.0.1:8080",
    "A10-29-7",
    "1''2",
    "1-2-345-x6",
    "5′",
    "2024-25-26",
    "Rocky MCMLXXIX",
    "2004-05",
    "2005-12",
    "2024-05/06",
    "747s",
    "Q1-3",
    "5 kWh/a",
    "10⁶ km",
    "Ⅿ",
]


@pytest.mark.parametrize(
    ("code", "text"),
    [(code, text) for code in TABLES for text in (*HALF_SAID[code], *HALF_SAID_ANYWHERE)],
)
def test_digits_that_no_rule_reads_as_a_whole_are_refused(code: str, text: str) -> None:
    converter = registry.create(Converter, "spoken-form", "test", language=code)
    for sentence in (text, f"Zum {text} da"):
        with pytest.raises(ConversionError, match=r"half said|no words are known"):
            converter.convert(Work(Query("q", sentence), sentence))


@pytest.mark.parametrize(("code", "written", "spoken"), CASES)
def test_no_form_of_the_tables_is_refused(code: str, written: str, spoken: str) -> None:
    converter = registry.create(Converter, "spoken-form", "test", language=code)
    assert converter.convert(Work(Query("q", written), written)).read().decode() == spoken


@pytest.mark.parametrize(
    "text", ["H2O, CO2 and B2B", "an MP3 of R2D2", "Windows95 in C3PO's 4x4", "it`s fine", "a < b"]
)
def test_words_with_digits_in_them_are_said(text: str) -> None:
    converter = registry.create(Converter, "spoken-form", "test")
    assert converter.convert(Work(Query("q", text), text)).read()


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co")), max_size=80))
def test_any_printable_text_is_written_out_without_digits(text: str) -> None:
    spoken = written_out(text, language("en"))
    assert not re.search(r"\d", spoken)
    if any(character.isalpha() for character in text):
        assert any(character.isalpha() for character in spoken)


@given(st.lists(st.from_regex(r"\A[0-9.,:/$€%#+ -]{1,9}[a-zA-Z²½°]{0,3}\Z"), max_size=6).map("".join))
def test_any_run_of_digits_and_marks_is_written_out(text: str) -> None:
    for code in known_languages():
        assert not re.search(r"\d", written_out(text, language(code)))


@given(st.lists(st.from_regex(r"\A[a-zäöüéñ]{2,9}\Z"), min_size=1).map(" ".join), st.sampled_from(["", ".", "?", "!"]))
def test_plain_words_stay_as_they_are(text: str, mark: str) -> None:
    for code in known_languages():
        known = {word.rstrip(".").lower() for word in language(code).table["abbreviations"]}
        if not known & set(text.split()):
            assert written_out(text + mark, language(code)) == text + mark


def test_a_long_number_is_read_digit_by_digit() -> None:
    spoken = written_out("1" * 20_000, language("en"))
    assert spoken == " ".join(["one"] * 20_000)


def test_the_converter_gives_text_and_says_that_it_rewords_nothing() -> None:
    converter = registry.create(Converter, "spoken-form", "test", language="de")
    work = Work(Query("q", "3 Äpfel"), "3 Äpfel")
    assert converter.convert(work).read().decode() == "drei Äpfel"
    assert SpokenForm.rewords is False


def test_an_unknown_language_names_the_known_ones() -> None:
    with pytest.raises(BadInput, match=r"'xx'.*de, en, es, fr"):
        registry.create(Converter, "spoken-form", "test", language="xx")
