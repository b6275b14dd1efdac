from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.verdict import ADVERT_INTENTS, Intent, Kind
from training.cards import NOT_ADVERT, CardError
from training.corpus import Corpus, DataError, Read, Row, is_hub_id, load_corpus
from training.evaluation.records import read_file
from training.readers import read_dataset

READERS = (read_dataset, read_file)
ENDINGS = (".csv", ".tsv", ".jsonl", ".jsonl.gz", ".csv.gz", ".parquet")
Entry = dict[str, Any]

# What formats and their readers like to spoil: numbers that are words, words that read as gaps, quotes, lines, emoji.
ENTRIES: list[Entry] = [
    {"id": "007", "text": "NA", "label": "sell", "lang": "no", "group": "1", "year": "2014", "platform": "x"},
    {"id": "08", "text": "null", "label": "not_advert", "lang": "", "group": "", "year": "", "platform": ""},
    {
        "id": "true",
        "text": 'two\nlines, "quoted"\tand \U0001f525',
        "label": "seek|use_talk",
        "lang": "en",
        "group": "1",
    },
    {"id": "1e5", "text": "5", "label": "advert", "lang": "nan", "group": "01", "year": "2014.0", "platform": "None"},
]
for entry in ENTRIES:
    entry |= {name: entry.get(name, "") for name in ("year", "platform")}


def save(entries: list[Entry], path: Path) -> Path:
    """Write entries as a labelled file under a card beside it."""
    ending = "".join(path.suffixes)
    if ending in (".csv", ".tsv", ".csv.gz"):
        with (gzip.open if ending.endswith("gz") else open)(path, "wt", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(entries[0]), delimiter="\t" if ending == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(entries)
    elif ending == ".parquet":
        pq.write_table(pa.Table.from_pylist(entries), path)
    else:
        lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in entries)
        path.write_bytes(gzip.compress(lines.encode()) if ending.endswith("gz") else lines.encode())
    return card_for(path)


def card_for(path: Path, more: str = "") -> Path:
    front = f"license: cc0-1.0\nnpsight:\n  files: {{{path.name}: {{}}}}\n{more}"
    (path.parent / "README.md").write_text(f"---\n{front}---\n", encoding="utf-8")
    return path


def load(path: Path, read: Read = read_file) -> Corpus:
    return load_corpus([str(path)], cards=path.parent / "cards", read=read)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_gives_the_same_rows_through_either_reader(tmp_path: Path, ending: str, read: Read) -> None:
    name = tmp_path.name
    rows = load(save(ENTRIES, tmp_path / f"rows{ending}"), read).rows
    assert rows == [
        Row("007", "NA", frozenset({Intent.SELL}), name, lang="no", group="1", year="2014", platform="x"),
        Row("08", "null", NOT_ADVERT, name),
        Row("true", ENTRIES[2]["text"], frozenset({Intent.SEEK, Intent.USE_TALK}), name, lang="en", group="1"),
        Row("1e5", "5", ADVERT_INTENTS, name, lang="nan", group="01", year="2014.0", platform="None"),
    ]


SPANNED = {"id": "a", "text": "5g of bars", "label": "sell"}
SPANS = [{"start": 0, "end": 2, "kind": "quantity"}, {"start": 6, "end": 10, "kind": "slang", "obfuscated": True}]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_spans_come_through_every_format_and_csv_holds_them_as_json(tmp_path: Path, ending: str, read: Read) -> None:
    cell: Callable[[Any], Any] = json.dumps if "sv" in ending else list
    entries: list[Entry] = [SPANNED | {"spans": cell(SPANS)}, SPANNED | {"id": "b", "spans": cell([])}]
    first, second = load(save(entries, tmp_path / f"rows{ending}"), read).rows
    assert [(span.text, span.kind, span.obfuscated) for span in first.spans or ()] == [
        ("5g", Kind.QUANTITY, False),
        ("bars", Kind.SLANG, True),
    ]
    assert second.spans == ()  # looked at, and nothing there; not the same as nobody looked


@pytest.mark.parametrize("read", READERS)
def test_a_row_that_nobody_marked_has_no_spans(tmp_path: Path, read: Read) -> None:
    entries: list[Entry] = [{**SPANNED, "spans": SPANS}, {**SPANNED, "id": "b", "spans": None}, {**SPANNED, "id": "c"}]
    assert [row.spans is None for row in load(save(entries, tmp_path / "rows.jsonl"), read).rows] == [False, True, True]


@pytest.mark.parametrize("read", READERS)
def test_columns_go_by_the_names_of_the_card(tmp_path: Path, read: Read) -> None:
    path = save([{"nr": 3, "body": "rain", "what": "news", "src": "b"}], tmp_path / "rows.jsonl")
    more = "  columns: {id: nr, text: body, source: src}\n  labels: [{when: {what: news}, intents: [news_science]}]\n"
    assert load(card_for(path, more), read).rows == [Row("3", "rain", frozenset({Intent.NEWS_SCIENCE}), "b")]


def test_a_row_without_an_id_is_named_by_card_and_number(tmp_path: Path) -> None:
    path = save([{"text": "a", "label": "sell"}, {"text": "b", "label": "sell"}], tmp_path / "rows.jsonl")
    assert [row.id for row in load(path).rows] == [f"{tmp_path.name}:1", f"{tmp_path.name}:2"]


def test_rows_left_out_are_counted_by_card(tmp_path: Path) -> None:
    path = save(
        [{"text": str(n), "label": "sell", "ok": ("no", "yes")[n % 2]} for n in range(5)], tmp_path / "rows.csv"
    )
    corpus = load(card_for(path, "  leave_out: [{ok: no}]\n".replace("no}", "'no'}")))
    assert (len(corpus.rows), corpus.left_out) == (2, {tmp_path.name: 3})


def test_masked_contacts_are_filled_alike_on_every_reading(tmp_path: Path) -> None:
    path = save(
        [{"id": str(n), "text": "write to <CONTACT> now", "label": "sell"} for n in range(20)], tmp_path / "r.csv"
    )
    once, again = (load(card_for(path, "  fill_placeholders: true\n")).rows for _ in range(2))
    assert once == again
    assert not any("<CONTACT>" in row.text for row in once)
    assert len({row.text for row in once}) > 10


def refusal(path: Path, read: Read) -> str:
    with pytest.raises((DataError, CardError)) as refused:
        load(path, read)
    return str(refused.value)


BAD: list[tuple[list[Entry], str]] = [
    ([SPANNED, SPANNED], "the id 'a' stands twice in the data: ids must be unique"),
    ([{**SPANNED, "text": ""}], "row 1: empty or missing text"),
    ([SPANNED, {**SPANNED, "text": " \n"}], "row 2: empty or missing text"),
    ([SPANNED, {"id": "b", "text": None, "label": "sell"}], "row 2: empty or missing text"),
    ([{"id": "a", "body": "x", "label": "sell"}], "row 1: no column 'text', found id, body, label"),
    ([{"id": "a", "text": "x", "labels": "sell"}], "row 1: found no label (None), wanted an intent"),
    ([SPANNED, {**SPANNED, "id": "b", "label": "spam"}], "row 2: found the label 'spam', wanted one of sell,"),
    (
        [{**SPANNED, "spans": [{"start": 6, "end": 11, "kind": "slang"}]}],
        "span 6:11 is outside the text of 10 code points",
    ),
    ([{**SPANNED, "spans": [{"start": 3, "end": 3, "kind": "slang"}]}], "span 3:3 is outside the text"),
    ([{**SPANNED, "spans": [{"start": -1, "end": 3, "kind": "slang"}]}], "span -1:3 is outside the text"),
    ([{**SPANNED, "spans": [{"start": 0, "end": 2, "kind": "drug"}]}], "row 1: found the spans"),
    ([{**SPANNED, "spans": [{"from": 0, "to": 2}]}], "row 1: found the spans"),
    ([{**SPANNED, "spans": "here"}], "row 1: found the spans 'here', wanted a list of start, end and kind"),
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(("entries", "said"), BAD, ids=[said[:40] for _, said in BAD])
def test_rows_that_cannot_be_used_are_refused_with_their_number(
    tmp_path: Path, entries: list[Entry], said: str, read: Read
) -> None:
    assert said in refusal(save(entries, tmp_path / "rows.jsonl"), read)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", b'{"id": "a", "text"\n'),
        ("rows.jsonl", b""),
        ("rows.csv", b""),
        ("rows.csv", b"id,text,label\n1,a,b,c,d\n"),
        ("rows.csv", b"id,text,label\n1,caf\xe9,sell\n"),
        ("rows.parquet", b"PAR1"),
        ("rows.jsonl.gz", b"not gzip"),
        ("rows.txt", b"hello"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path, name: str, content: bytes, read: Read) -> None:
    (tmp_path / name).write_bytes(content)
    assert name in refusal(card_for(tmp_path / name), read)


@pytest.mark.parametrize("read", READERS)
def test_a_file_that_is_not_there_is_refused_before_it_is_read(tmp_path: Path, read: Read) -> None:
    assert "no such file (a hub id reads owner/name)" in refusal(tmp_path / "none.csv", read)


def test_a_file_without_a_card_is_not_read_at_all(tmp_path: Path) -> None:
    def read(name: str) -> Iterable[Entry]:
        raise AssertionError(name)

    (tmp_path / "rows.csv").write_text("id,text\n", encoding="utf-8")
    assert "no data card names it" in refusal(tmp_path / "rows.csv", read)


def test_ids_are_unique_over_all_files(tmp_path: Path) -> None:
    paths = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        paths.append(str(save([SPANNED], tmp_path / name / "rows.jsonl")))
    with pytest.raises(DataError, match="the id 'a' stands twice"):
        load_corpus(paths, cards=tmp_path, read=read_file)


def test_data_of_which_every_row_is_left_out_is_refused(tmp_path: Path) -> None:
    path = save([SPANNED], tmp_path / "rows.jsonl")
    assert "no row was left to use" in refusal(card_for(path, "  leave_out: [{label: sell}]\n"), read_file)


@pytest.mark.parametrize(
    ("name", "is_id"), [("owner/name", True), ("name", False), ("a/b/c", False), ("data/rows.csv", False), ("", False)]
)
def test_a_hub_id_is_told_from_a_path(name: str, is_id: bool) -> None:
    assert is_hub_id(name) is is_id


def test_a_hub_id_needs_a_card_that_lists_it(tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    front = "license: mit\nnpsight:\n  files: {owner/name: {}}\n"
    (tmp_path / "hub" / "README.md").write_text(f"---\n{front}---\n", encoding="utf-8")
    read: Callable[[str], list[Entry]] = lambda name: [{"id": name, "text": "a", "label": "seek"}]  # noqa: E731
    assert load_corpus(["owner/name"], cards=tmp_path, read=read).rows[0].id == "owner/name"
    with pytest.raises(CardError, match="owner/other: no data card lists this hub id"):
        load_corpus(["owner/other"], cards=tmp_path, read=read)


def test_a_row_is_an_advert_only_when_nothing_else_is_allowed() -> None:
    rows = [
        Row("a", "t", frozenset(intents), "s") for intents in (ADVERT_INTENTS, {Intent.SELL, Intent.SEEK}, NOT_ADVERT)
    ]
    assert [row.is_advert for row in rows] == [True, False, False]
