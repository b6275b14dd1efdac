"""What the repository ships as data is what its cards say it is."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from models.neardup import groups
from models.release import sha256
from models.verdict import ADVERT_INTENTS, INTENTS, LANGUAGES, Intent, Kind
from training.authored import compile_folder
from training.cards import load_card
from training.corpus import Row, load_corpus
from training.evaluation.agreement import agreement_lines, kappa_table, read_labels
from training.evaluation.records import read_file
from training.generator.generate import banned_words

CARDS = Path(__file__).parent.parent / "data_cards"
POSTS = CARDS / "npsight_posts"
PARTS = ("train", "context", "innocent", "test", "demo")
SHIPPED = [
    (path.parent / name, facts)
    for path in sorted(CARDS.glob("*/README.md"))
    if (card := load_card(path))
    for name, facts in card.files.items()
    if (path.parent / name).is_file()
]


def records(part: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (POSTS / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def rows() -> dict[str, list[Row]]:
    return {part: load_corpus([str(POSTS / f"{part}.jsonl")], cards=CARDS, read=read_file).rows for part in PARTS}


def test_the_posts_of_our_own_are_shipped() -> None:
    assert {path.name for path, _ in SHIPPED} >= {f"{part}.jsonl" for part in PARTS}


@pytest.mark.parametrize(("path", "facts"), SHIPPED, ids=lambda value: value.name if isinstance(value, Path) else "")
def test_a_shipped_file_has_the_checksum_and_the_rows_of_its_card(path: Path, facts: dict[str, Any]) -> None:
    assert sha256(path) == facts["sha256"]
    assert path.read_bytes().count(b"\n") == facts["rows"]


def test_compiled_posts_are_what_their_marked_sources_give(tmp_path: Path) -> None:
    shutil.copytree(POSTS / "marked", tmp_path / "marked")
    assert set(compile_folder(tmp_path)) == {f"{part}.jsonl" for part in PARTS}
    for part in PARTS:
        assert (tmp_path / f"{part}.jsonl").read_bytes() == (POSTS / f"{part}.jsonl").read_bytes(), part


def test_every_post_has_one_intent_a_language_in_scope_and_spans(rows: dict[str, list[Row]]) -> None:
    for row in (row for part in PARTS for row in rows[part]):
        assert len(row.intents) == 1, row.id
        assert row.lang in LANGUAGES, row.id
        assert row.spans is not None, row.id


def test_all_intents_and_languages_are_taught(rows: dict[str, list[Row]]) -> None:
    assert {intent for row in rows["train"] for intent in row.intents} == set(INTENTS)
    assert {row.lang for row in rows["train"]} == set(LANGUAGES)


@pytest.mark.parametrize("part", PARTS)
def test_spans_are_ordered_disjoint_and_hold_the_words_that_were_marked(part: str) -> None:
    marked = {
        row["id"]: row["marked"]
        for path in (POSTS / "marked").glob(f"{part}*.jsonl")
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())
    }
    for row in records(part):
        ends = [0, *(span["end"] for span in row["spans"])]
        assert all(end <= span["start"] < span["end"] for end, span in zip(ends, row["spans"], strict=False)), row["id"]
        found = [(span["kind"], row["text"][span["start"] : span["end"]]) for span in row["spans"]]
        assert found == re.findall(r"\{([a-z]+)!?:([^{}]*)\}", marked[row["id"]]), row["id"]
        assert {kind for kind, _ in found} <= set(Kind), row["id"]


def test_ids_are_unique_over_all_parts_so_no_held_out_row_trains(rows: dict[str, list[Row]]) -> None:
    ids = [row.id for part in PARTS for row in rows[part]]
    assert len(ids) == len(set(ids))
    assert not any(row.id.startswith(("demo", "test")) for row in rows["train"])


def test_no_pair_is_shared_between_parts(rows: dict[str, list[Row]]) -> None:
    pairs = [{row.group for row in rows[part] if row.group} for part in PARTS]
    assert not pairs[0] & pairs[1]
    assert not pairs[0] & pairs[2]
    assert not pairs[1] & pairs[2]


def test_no_demo_or_test_post_has_a_near_copy_in_training(rows: dict[str, list[Row]]) -> None:
    every = [(part, row) for part in PARTS for row in rows[part]]
    parts_of: dict[int, dict[str, list[str]]] = {}
    for number, (part, row) in zip(groups([row.text for _, row in every]).tolist(), every, strict=True):
        parts_of.setdefault(number, {}).setdefault(part, []).append(row.id)
    shared = [parts for parts in parts_of.values() if "train" in parts and len(parts) > 1]
    assert shared == []


def test_links_and_addresses_are_those_reserved_for_examples(rows: dict[str, list[Row]]) -> None:
    reserved = re.compile(r"(?:^|\.)example(?:\.(?:com|net|org))?$")
    for row in (row for part in PARTS for row in rows[part]):
        for host in re.findall(r"(?:https?://|www\.|[\w.+-]+@(?=[\w-]+\.))([\w.-]+)", row.text):
            assert reserved.search(host.rstrip(".")), (row.id, host)


def test_the_card_shows_the_agreement_of_the_readings_it_ships() -> None:
    reader = read_labels(POSTS / "readings.tsv", "reader")
    rows = [row for part in (*PARTS, "generated") for row in records(part)]
    authors = {row["id"]: Intent(row["intent"]) for row in rows if row["id"] in reader}
    card = (POSTS / "README.md").read_text(encoding="utf-8")
    shown = card.split("<!-- agreement, generated -->\n")[1].split("\n<!-- /agreement -->")[0]
    assert shown == agreement_lines(kappa_table(authors, reader))


def test_the_test_part_holds_enough_of_both_sides_in_every_language() -> None:
    counts = Counter((row["lang"], row["intent"] in ADVERT_INTENTS) for row in records("test"))
    assert set(counts) == {(lang, side) for lang in LANGUAGES for side in (False, True)}
    assert min(counts.values()) >= 150


def test_held_out_words_stand_in_no_part_that_trains() -> None:
    banned = banned_words(POSTS)
    for part in ("train", "context", "innocent", "generated", "dev"):
        assert [row["id"] for row in records(part) if banned.search(row["text"].casefold())] == []
