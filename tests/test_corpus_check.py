"""Each thing that can be wrong with a corpus is made wrong once, in a folder of a few posts."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from models.release import sha256
from models.termlist import Term
from models.verdict import Intent, Kind, NpsClass, Span
from training.cards import NOT_ADVERT
from training.corpus import Row
from training.corpus_check import CLOSE, OPEN, check_command, check_corpus, stamp_check
from training.corpus_checks_coverage import innocent_uses
from training.corpus_checks_identity import contacts_of
from training.corpus_checks_reserved import is_fiction
from training.corpus_checks_table import lines, notes, print_check
from training.corpus_checks_variety import distinct, measured, repeated, words_of
from training.corpus_show import show_posts

Parts = Mapping[str, Sequence[Mapping[str, Any]]]
SNOW = {"start": 6, "end": 10, "kind": "slang", "obfuscated": False}
OFFER = "Fresh snow in tonight, 60 a gram, message me and I drop it round"
TWIN = "Fresh snow on the hills tonight, sixty walkers came and the hut was full"
LIFE = "The choir sang until late and nobody minded the rain, my sister least of all"
NEWS = "Customs opened a van at the border on Tuesday and found powder in the spare wheel"


def post(id_: str, text: str, intent: str = "other", **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": id_,
        "lang": "en",
        "intent": intent,
        "manner": "x",
        "pair": None,
        "text": text,
        "spans": [],
    }
    return row | changes


def sound() -> dict[str, list[dict[str, Any]]]:
    return {
        "train": [post("a1", OFFER, "sell", pair="p1", spans=[SNOW]), post("a2", TWIN, pair="p1")],
        "test": [post("t1", LIFE), post("t2", NEWS, "news_science")],
    }


def written(folder: Path, parts: Parts, *, held_out: str | None = None) -> Path:
    for name, rows in parts.items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    files = (
        f"    {name}.jsonl: {{sha256: {sha256(folder / f'{name}.jsonl')}, rows: {len(rows)}}}\n"
        for name, rows in parts.items()
    )
    card = f"---\nlicense: cc0-1.0\nnpsight:\n  files:\n{''.join(files)}---\n# Posts\n\n{OPEN}\n{CLOSE}\n\nEnd.\n"
    (folder / "README.md").write_text(card, encoding="utf-8")
    if held_out is not None:
        (folder / "held_out.txt").write_text(held_out, encoding="utf-8")
    return folder


def faults(report: Mapping[str, Any]) -> dict[str, list[str]]:
    checks = report["checks"].values()
    return {fault: found["first"] for check in checks for fault, found in check["faults"].items()}


def test_a_sound_folder_passes_and_is_counted(tmp_path: Path) -> None:
    report = check_corpus(written(tmp_path, sound(), held_out="choir\n\nzither\n"), suite=None)
    assert (report["passes"], faults(report)) == (True, {})
    train = report["coverage"]["parts"]["train"]
    assert (train["posts"], train["adverts"], train["with_spans"], train["minimal_pairs"]) == (2, 1, 1, 1)
    assert train["langs"] == {"en": {"adverts": 1, "other": 1, "sell": 1}}
    assert report["coverage"]["held_out"] == {"words": 2, "in_test": 1, "unused": ["zither"]}


PRICE = {"start": 11, "end": 13, "kind": "price", "obfuscated": False}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"note": "?"}, "fields missing, unknown or of the wrong type"),
        ({"pair": 3}, "fields missing, unknown or of the wrong type"),
        ({"spans": [SNOW | {"start": True}]}, "fields missing, unknown or of the wrong type"),
        ({"intent": "sale"}, "unknown intent"),
        ({"lang": "xx"}, "unknown lang"),
        ({"manner": "fax"}, "unknown manner"),
        ({"text": " \n", "spans": []}, "no text"),
        ({"text": "word " * 221, "spans": []}, "more than 220 words"),
        ({"spans": [SNOW | {"end": 900}]}, "span empty or outside the text"),
        ({"spans": [SNOW | {"end": 6}]}, "span empty or outside the text"),
        ({"spans": [SNOW, SNOW | {"start": 8, "end": 13}]}, "spans not sorted, or overlapping"),
        ({"spans": [PRICE, SNOW]}, "spans not sorted, or overlapping"),
        ({"spans": [SNOW | {"end": 11}]}, "span with outer spaces"),
        ({"spans": [SNOW | {"kind": "drug"}]}, "unknown kind of span"),
        ({"intent": "use_talk", "spans": [SNOW, PRICE]}, "span of an offer in a post that is no advert"),
    ],
)
def test_a_wrong_row_is_named_with_its_fault(tmp_path: Path, changes: dict[str, Any], fault: str) -> None:
    parts = sound()
    parts["train"][0] |= changes
    report = check_corpus(written(tmp_path, parts), suite=None)
    assert (report["passes"], faults(report)) == (False, {fault: ["a1"]})


def test_an_id_must_be_unique_over_all_parts(tmp_path: Path) -> None:
    parts = sound()
    parts["test"][0]["id"] = "a1"
    assert faults(check_corpus(written(tmp_path, parts), suite=None)) == {"id not unique": ["a1"]}


def test_the_card_lists_each_part_as_it_is(tmp_path: Path) -> None:
    folder = written(tmp_path, {**sound(), "dev": [post("d1", LIFE[:40])]})
    (folder / "dev.jsonl").unlink()
    (folder / "extra.jsonl").write_text(json.dumps(post("e1", TWIN[10:])) + "\n", encoding="utf-8")
    with (folder / "train.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(post("a3", "Bread needs patience and a very hot oven")) + "\n")
    assert faults(check_corpus(folder, suite=None)) == {
        "card: another checksum": ["train.jsonl"],
        "card: another count of rows": ["train.jsonl"],
        "card: does not list the part": ["extra.jsonl"],
        "card: lists a part that is not there": ["dev.jsonl"],
    }


def test_near_copies_fail_from_a_tenth_on_but_not_within_a_pair(tmp_path: Path) -> None:
    parts = sound()
    parts["train"] += [post("c1", LIFE + " alone"), post("c2", LIFE + " alone!", pair="c"), post("c3", NEWS, pair="n")]
    parts["train"] += [post("c4", NEWS + ".", pair="n")]
    del parts["test"]
    copies = check_corpus(written(tmp_path, parts), suite=None)["checks"]["copies"]
    assert copies["faults"] == {"more than 10% of train are near copies": {"count": 2, "first": ["c1", "c2"]}}
    assert copies["parts"]["train"] == {"rows": 6, "copies": 2, "share": 2 / 6, "largest": 2}
    assert copies["sizes"] == {"2": 1, "3 to 5": 0, "6 to 10": 0, "11 or more": 0}


def test_what_leaks_is_named(tmp_path: Path) -> None:
    parts = sound()
    parts["dev"] = [
        post("d1", LIFE + "!"),
        post("d2", "He plays the ZITHER, badly and at night"),
        post("d3", "A zithering"),
    ]
    parts["train"] += [post("a3", "Parcels left the depot in perfect order this morning"), post("a4", "Ours", pair="q")]
    parts["test"] += [post("t3", "Theirs", pair="q"), post("t4", "Whose zither is it")]
    (tmp_path / "suite").mkdir()
    case = json.dumps({"text": "Parcels left the depot in perfect order this morning?"})
    (tmp_path / "suite" / "cases.jsonl").write_text(case + "\n", encoding="utf-8")
    report = check_corpus(written(tmp_path, parts, held_out="Zither\n"), suite=tmp_path / "suite")
    assert faults(report) == {
        "held-out word": ["d2"],
        "near copy of a case of the suite": ["a3"],
        "near copy of a test or demo post": ["d1"],
        "pair in two parts": ["q"],
    }


def row(text: str, *, lang: str = "en", intent: Intent = Intent.OTHER, spans: tuple[Span, ...] = ()) -> Row:
    return Row("r", text, frozenset({intent}), "train", lang=lang, spans=spans)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ring 0300 123 3333 today", "telephone"),  # a regulator's own line
        ("ring ０３００ 123 3333 today", "telephone"),
        ("ring +49 228 140 today, or +49 228 14 0", "telephone"),
        ("send to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "wallet"),  # the first block's
        ("send to bc1" + "q" * 39, "wallet"),
        ("send to 0x" + "aB3" * 13 + "0", "wallet"),
        ("send to 4" + "8" * 94, "wallet"),
        ("add 05" + "ab" * 32, "account of a messenger"),
        ("see " + "a2b3" * 14 + ".onion", "onion address"),
        ("see t.me/abcdef", "invitation"),
        ("see discord.gg/abcdef now", "invitation"),
        ("see https://shop.example.de/x", "link"),
        ("see www.some-shop.biz", "link"),
        ("see some-shop.com.", "link"),
        ("write somebody@some-host.ee", "e-mail"),
        ("write @abcd_12", "handle"),
        ("ask @Instagram", "handle"),
        ("pay GB82 WEST 1234 5698 7654 32 please", "bank account"),
        ("card 4111 1111 1111 1111", "payment card"),
    ],
)
def test_what_could_be_somebodys_is_found(text: str, kind: str) -> None:
    assert {found for found, _ in contacts_of(row(text))} == {kind}


@pytest.mark.parametrize(
    "text",
    [
        "ring 07700 900123 or +44 20 7946 0123, in Leeds 0113 496 0999",
        "ring 512-555-0142 or +1 212 555 0199",
        "https://a.example/b?c=d, http://b.example.org, c@d.example.com, some-shop.test",
        "@harbor_pine, @here: 5 @ 100, h@sh? @OP said no",
        "10 20 30 40 50 60 70 80 and 1g 60 2g 110 3.5g 180, 2019-2023, 4111 1111 1111 1112",
        "GB82 WEST 1234 5698 7654 33, Tr.a.mal, it was late.So we left",
    ],
)
def test_what_reaches_nobody_is_left_alone(text: str) -> None:
    assert list(contacts_of(row(text))) == []


def test_a_drug_word_disguised_as_a_handle_is_none() -> None:
    text = "got @ddys ready"
    assert list(contacts_of(row(text, spans=(Span(4, 9, Kind.SUBSTANCE, "@ddys", obfuscated=True),)))) == []
    assert list(contacts_of(row(text))) == [("handle", "@ddys")]


@pytest.mark.parametrize("number", ["0171 3920042", "+49 30 23125 999", "069 90009", "06 39 98 12 34", "070-174 06 12"])
def test_numbers_kept_for_fiction_are_known(number: str) -> None:
    assert is_fiction(number)


def test_a_found_contact_is_never_told_whole(tmp_path: Path) -> None:
    parts = sound()
    parts["train"][1]["text"] += " ring 0300 123 3333"
    report = check_corpus(written(tmp_path, parts), suite=None)
    assert report["checks"]["identity"]["found"] == [{"id": "a2", "kind": "telephone", "begins": "030"}]
    assert "123" not in json.dumps(report["checks"]["identity"]) + printed(report) + lines(report)


def test_words_are_counted_without_the_variety_of_numbers_and_handles() -> None:
    assert words_of("Ask @Amber.cove, 20 a gram: 2cb") == ["ask", "@", "0", "a", "gram", "2cb"]
    assert distinct([("a", words_of("so so so 1 2"))], 1) == 2 / 5
    assert distinct([("a", ["one"])], 2) is None


def test_posts_are_shown_language_by_language_with_their_marks(tmp_path: Path) -> None:
    parts = {"train": [*sound()["train"], post("d1", "Schnee\nliegt", lang="de")], "test": sound()["test"]}
    folder = written(tmp_path, parts)
    shown = list(show_posts(folder, each=3, parts=["train"]))
    assert [line[:2] for line in shown] == ["de", "en", "en"]
    assert shown[0].endswith("other           Schnee ⏎ liegt")
    assert any("sell            Fresh {slang:snow} in tonight" in line for line in shown)
    assert shown == list(show_posts(folder, each=3, parts=["train"]))
    assert len(list(show_posts(folder, each=1))) == 2


def test_real_rows_are_compared_with_and_not_checked(tmp_path: Path) -> None:
    real = [Row(f"t{n}", "the very same long words of a tweet again", NOT_ADVERT, "tweets/a", "en") for n in range(3)]
    folder = written(tmp_path, sound())
    report = check_corpus(folder, suite=None, beside=real)
    assert report["passes"]
    assert report["beside"] == {"rows": 3, "copies": 3, "share": 1.0, "largest": 3, "sources": ["tweets"]}
    assert report["variety"]["parts"]["real"]["en"]["posts"] == 3
    assert any("Real rows beside them (tweets): 3, of which 100.0%" in note for note in notes(report))
    assert "beside" not in check_corpus(folder, suite=None)


def test_runs_are_repeated_only_where_another_pair_holds_them() -> None:
    six, others = list("abcdef"), list("uvwxyz")
    assert repeated([("pair p", six), ("pair p", six), ("row c", others)]) == 0
    assert repeated([("pair p", six), ("row a", six), ("row c", others)]) == 2 / 3


def test_a_part_is_compared_at_the_same_number_of_words() -> None:
    found = measured([("row a", ["a", "b"] * 5)], [("row b", list("cdef")), ("row c", list("ghij"))])
    assert found["distinct"][0] == 2 / 10
    assert found["same_size"]["words"] == 8
    assert (found["same_size"]["part"]["distinct"][0], found["same_size"]["train"]["distinct"][0]) == (2 / 8, 1)


@pytest.mark.parametrize(
    ("post", "shown"),
    [
        (row("White snow, pot roast"), 2),
        (row("White Snow"), 1),
        (row("snowy"), 0),
        (row("snow", lang="de"), 0),
        (row("pot", lang="de"), 1),
        (row("snow in", intent=Intent.SELL), 0),
        (row("snow", intent=Intent.USE_TALK, spans=(Span(0, 4, Kind.SLANG, "snow"),)), 0),
    ],
)
def test_a_doubtful_word_is_shown_by_an_unmarked_use_in_its_language(post: Row, shown: int) -> None:
    terms = [
        Term("snow", "cocaine", NpsClass.CONTROLLED, lang="en", kind="slang", ambiguity="high"),
        Term("pot", "cannabis", NpsClass.CONTROLLED, kind="slang", ambiguity="high"),
    ]
    found = innocent_uses([post], terms)["high"]
    assert (found["terms"], found["shown"], len(found["missing"])) == (2, shown, 2 - shown)


def printed(report: Mapping[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=200)
    print_check(report, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_card_is_stamped_between_its_marks_and_twice_gives_the_same(tmp_path: Path) -> None:
    folder = written(tmp_path, sound())
    assert check_command(folder, suite=None, out=tmp_path / "check.json", stamp=True)
    once = (folder / "README.md").read_text(encoding="utf-8")
    assert "4 rows, all checks pass" in once
    assert "| train | 2 | 1 | 1 | 1 | 0.0% | 0 |" in once
    assert once.endswith(f"{CLOSE}\n\nEnd.\n")
    report = json.loads((tmp_path / "check.json").read_text(encoding="utf-8"))
    stamp_check(folder / "README.md", report)
    assert (folder / "README.md").read_text(encoding="utf-8") == once


def test_a_failure_is_printed_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = sound()
    parts["train"][0]["lang"] = "xx"
    assert not check_command(written(tmp_path, parts), suite=None)
    said = capsys.readouterr().out
    assert "fails: form" in said
    assert "unknown lang" in said


def test_a_card_without_marks_is_not_stamped(tmp_path: Path) -> None:
    folder = written(tmp_path, sound())
    (folder / "README.md").write_text("# no marks\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"README\.md: no <!-- check, generated -->"):
        stamp_check(folder / "README.md", {})


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ({"README.md": "# plain\n"}, r"README\.md: no data card there"),
        ({"train.jsonl": '{"id": \n'}, r"train\.jsonl:1: not JSON"),
        ({"train.jsonl": "[]\n"}, r"train\.jsonl:1: found a list, wanted an object"),
    ],
)
def test_what_cannot_be_read_ends_the_check(tmp_path: Path, spoilt: dict[str, str], said: str) -> None:
    folder = written(tmp_path, sound())
    for name, text in spoilt.items():
        (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        check_corpus(folder, suite=None)


def test_a_folder_without_parts_or_a_suite_without_cases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such folder"):
        check_corpus(tmp_path / "nowhere", suite=None)
    folder = written(tmp_path, sound())
    with pytest.raises(ValueError, match=r"cases\.jsonl: no such file"):
        check_corpus(folder, suite=tmp_path)
    for part in folder.glob("*.jsonl"):
        part.unlink()
    with pytest.raises(ValueError, match="no part there"):
        check_corpus(folder, suite=None)
