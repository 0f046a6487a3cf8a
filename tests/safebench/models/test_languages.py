from __future__ import annotations

import pytest

from safebench.models import languages
from safebench.models.languages import is_other, language_tag, primary, tell, unfit

ENGLISH = "How do I bake bread at home?"
OTHERS = {
    "de": "Wie backe ich zu Hause ein gutes Brot?",
    "es": "¿Cómo puedo hacer pan en casa?",
    "fr": "Comment faire du pain à la maison ?",
    "zh": "怎么在家里烤面包？",
    "hi": "मैं घर पर रोटी कैसे बनाऊँ?",
    "ar": "كيف أخبز الخبز في المنزل؟",
    "vi": "Làm thế nào để nướng bánh mì ở nhà?",
}


@pytest.mark.parametrize(
    ("written", "tag"),
    [("EN", "en"), ("pt_br", "pt-BR"), ("zh-hans-cn", "zh-Hans-CN"), (" de ", "de"), ("es-419", "es-419")],
)
def test_a_tag_is_brought_to_its_usual_case(written: str, tag: str) -> None:
    assert language_tag(written) == tag


@pytest.mark.parametrize("written", ["English", "e", "en-", "12", "en de"])
def test_what_is_no_tag_is_an_error_that_shows_one(written: str) -> None:
    with pytest.raises(ValueError, match=r"no tag of BCP 47, such as en, de or pt-BR"):
        language_tag(written)


@pytest.mark.parametrize(
    ("tag", "language"), [("en-GB", "en"), ("cmn", "zh"), ("yue-HK", "zh"), ("nb", "no"), ("nn", "no"), ("eng", "en")]
)
def test_regions_scripts_and_dialects_count_as_their_language(tag: str, language: str) -> None:
    assert primary(tag) == language


@pytest.mark.parametrize(("language", "text"), OTHERS.items())
def test_a_short_text_tells_its_language(language: str, text: str) -> None:
    told = tell(text)
    assert told is not None
    assert told.language == language
    assert 0.5 < told.certainty <= 1
    assert is_other(text, "en")
    assert not is_other(text, language)


@pytest.mark.parametrize(
    "text", [ENGLISH, "How did John F Kennedy die?", "When was Angela Merkel born?", "TNT", "Hello"]
)
def test_a_text_that_may_be_english_is_never_called_another_language(text: str) -> None:
    assert not is_other(text, "en-us")


@pytest.mark.parametrize("text", ["", "2 + 2 = ?", "3f2504e04f8941d39a0c0305e82c3301"])
def test_what_is_in_no_language_tells_none(text: str) -> None:
    assert tell(text) is None


def test_where_nothing_tells_languages_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "PACKAGE", "no_such_package")
    languages._likelihoods.cache_clear()
    assert tell(ENGLISH) is None
    assert not is_other(OTHERS["de"], "en")
    languages._likelihoods.cache_clear()


def test_what_the_data_say_goes_before_what_the_words_tell() -> None:
    assert unfit(OTHERS["de"], "en-us", "en", None) is None
    why = unfit(ENGLISH, "en-us", "de", None)
    assert why is not None
    assert "'de', by the data" in why


def test_a_text_in_another_language_says_what_to_write() -> None:
    why = unfit(OTHERS["de"], "en-us", "de", 0.97)
    assert why is not None
    assert "certainty 0.97" in why
    assert "--language en" in why
    assert unfit(OTHERS["de"], "de", "de", 0.97) is None


def test_a_text_of_which_nobody_knows_the_language_is_held_back_from_nobody() -> None:
    assert unfit("TNT", "en", None, None) is None
