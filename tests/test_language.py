from __future__ import annotations

import pytest

from models.language import Language, identify
from models.verdict import Post

LONG = {
    "en": "the weather was lovely this morning and we walked along the river with the children",
    "de": "das Wetter war heute Morgen sehr sch\u00f6n und wir sind mit den Kindern am Fluss spazieren gegangen",
    "fr": "il faisait tr\u00e8s beau ce matin et nous avons march\u00e9 le long de la rivi\u00e8re avec les enfants",
    "pl": "dzisiaj rano by\u0142a \u015bliczna pogoda i spacerowali\u015bmy z dzie\u0107mi wzd\u0142u\u017c rzeki",
}
ARABIC = "\u0627\u0644\u0637\u0642\u0633 \u062c\u0645\u064a\u0644 \u0627\u0644\u064a\u0648\u0645"


def one(text: str, lang: str | None = None) -> Language:
    return identify([Post("a", text, lang=lang)])[0]


@pytest.mark.parametrize("code", LONG)
def test_a_plain_sentence_is_guessed(code: str) -> None:
    assert one(LONG[code]) == Language(code)


@pytest.mark.parametrize(
    ("stated", "code"), [("de", "de"), ("DE", "de"), ("pt-BR", "pt"), ("en_GB", "en"), ("zh", "zh")]
)
def test_what_the_sender_says_wins_and_regions_do_not_matter(stated: str, code: str) -> None:
    assert one(LONG["en"], stated) == Language(code)


@pytest.mark.parametrize("text", ["", "ok", "2-MMC 5g \u20ac60", "\U0001f344\U0001f344\U0001f344", "12345 " * 20])
def test_too_few_letters_give_no_guess(text: str) -> None:
    assert one(text) == Language(None)


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        (ARABIC, True),
        ("\u4eca\u5929\u5929\u6c14\u5f88\u597d", True),
        ("\u0441\u0435\u0433\u043e\u0434\u043d\u044f \u0445\u043e\u0440\u043e\u0448\u043e", False),
        ("\u03b1-PVP and \u03b2k-2C-B", False),  # Greek stands in chemical names
        ("see \u4eca", False),
        ("\u4eca\u5929", False),  # two letters say nothing
    ],
)
def test_a_script_outside_the_scope_is_noticed_by_the_majority_of_letters(text: str, foreign: bool) -> None:
    assert one(text).foreign_script is foreign


def test_a_stated_language_does_not_hide_a_foreign_script() -> None:
    assert one(ARABIC, "en") == Language("en", foreign_script=True)


def test_the_order_of_answers_is_the_order_of_posts() -> None:
    posts = [Post(code, text) for code, text in LONG.items()]
    assert [language.code for language in identify(posts)] == list(LONG)
    assert identify([]) == []
