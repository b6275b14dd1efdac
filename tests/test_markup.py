from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.verdict import Kind, Span
from training.authored import compile_folder, stamp
from training.cards import load_card
from training.markup import MarkupError, compile_markup, compile_row, mark


def test_marks_become_spans_in_code_points_of_the_text() -> None:
    text, spans = compile_markup("\U0001f525 {slang:bars} {price:\u00a320} hit {contact!:t3le}")
    assert text == "\U0001f525 bars \u00a320 hit t3le"
    assert [(text[span.start : span.end], span.kind, span.obfuscated) for span in spans] == [
        ("bars", Kind.SLANG, False),
        ("\u00a320", Kind.PRICE, False),
        ("t3le", Kind.CONTACT, True),
    ]
    assert all(span.text == text[span.start : span.end] for span in spans)


@pytest.mark.parametrize("text", ["", "nothing marked here", "a: b ! c"])
def test_plain_text_stays(text: str) -> None:
    assert compile_markup(text) == (text, [])


@pytest.mark.parametrize(
    ("marked", "said"),
    [
        ("a {slang:bars", "a brace at 2 opens or closes nothing"),
        ("a bars} b", "a brace at 6 opens or closes nothing"),
        ("{slang:{price:20}}", "a brace at 0 opens or closes nothing: marks never nest"),
        ("{slang bars}", "a brace at 0"),
        ("{Slang:bars}", "a brace at 0"),
        ("{drug:bars}", "found the kind 'drug' at 0, wanted one of substance, slang"),
        ("{slang: bars}", "found the surface ' bars' at 0, wanted words without outer spaces"),
        ("{slang:bars }", "found the surface 'bars '"),
        ("{slang:}", "found the surface ''"),
        ("{slang: }", "found the surface ' '"),
    ],
)
def test_what_does_not_match_or_nest_is_refused_with_its_place(marked: str, said: str) -> None:
    with pytest.raises(MarkupError) as refused:
        compile_markup(marked)
    assert said in str(refused.value)


plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{}"))
surfaces = plain.filter(lambda text: bool(text.strip()) and text == text.strip())
pieces = st.lists(st.tuples(plain, st.sampled_from(list(Kind)), st.booleans(), surfaces), max_size=5)


@given(pieces, plain)
def test_marking_is_the_inverse_of_compiling(parts: list[tuple[str, Kind, bool, str]], tail: str) -> None:
    text, spans = "", []
    for before, kind, disguised, surface in parts:
        text += before
        spans.append(Span(len(text), len(text) + len(surface), kind, surface, obfuscated=disguised))
        text += surface
    text += tail
    assert compile_markup(mark(text, spans)) == (text, spans)


def test_a_row_keeps_its_other_columns() -> None:
    row = {"id": "a", "intent": "sell", "marked": "{slang:snow} in"}
    spans = [{"start": 0, "end": 4, "kind": "slang", "obfuscated": False}]
    assert compile_row(row) == {"id": "a", "intent": "sell", "text": "snow in", "spans": spans}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "marked").mkdir()
    card = "---\nlicense: cc0-1.0\nnpsight:\n  files:\n    train.jsonl: {}\n    test.jsonl: {}\n---\n"
    card += "Before.\n\n<!-- counts, generated -->\nold\n<!-- /counts -->\n\nAfter.\n"
    (tmp_path / "README.md").write_text(card, encoding="utf-8")
    for name in ("train.en", "train.de", "test2"):
        row = {"id": name, "lang": "en", "intent": "sell", "manner": "x", "pair": None, "marked": "{slang:snow} \u2603"}
        line = json.dumps(row) + "\n"
        (tmp_path / "marked" / f"{name}.jsonl").write_text(line, encoding="utf-8")
    return tmp_path


def test_a_folder_is_compiled_by_part_and_its_card_is_stamped(folder: Path) -> None:
    counts = compile_folder(folder)
    assert counts == {"test.jsonl": 1, "train.jsonl": 2}
    ids = [json.loads(line)["id"] for line in (folder / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    assert ids == ["train.de", "train.en"]
    stamp(folder / "README.md", counts)
    card = load_card(folder / "README.md")
    assert card is not None
    assert card.files["train.jsonl"]["rows"] == 2
    assert len(card.files["test.jsonl"]["sha256"]) == 64
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "| | `test.jsonl` | `train.jsonl` |" in text
    assert "| adverts | 1 | 2 |" in text
    assert "| intent sell | 1 | 2 |" in text
    assert "Before." in text
    assert "After." in text
    assert "old" not in text
    before = (folder / "README.md").read_bytes()
    stamp(folder / "README.md", compile_folder(folder))
    assert (folder / "README.md").read_bytes() == before  # the same posts give the same card


def test_a_wrong_line_is_named_by_file_and_number(folder: Path) -> None:
    with (folder / "marked" / "train.en.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"id": "x", "marked": "{slang:snow"}\n')
    with pytest.raises(MarkupError, match=r"train\.en\.jsonl:2: a brace at 0"):
        compile_folder(folder)


def test_a_card_that_lacks_a_part_is_refused(folder: Path) -> None:
    (folder / "demo.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(MarkupError, match=r"found 0 lines for demo\.jsonl under npsight\.files, wanted one"):
        stamp(folder / "README.md", {"demo.jsonl": 0})
