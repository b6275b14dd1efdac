from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.release import sha256
from models.verdict import ADVERT_INTENTS, INTENTS, Intent
from training.cards import NOT_ADVERT, Card, CardError, allowed, find_card, hub_card, load_card, matches

FRONT = "license: cc0-1.0\nnpsight:\n  files: {rows.jsonl: {rows: 1}}\n"


def write(folder: Path, front: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "README.md"
    path.write_text(f"---\n{front}---\n# A card\n\n| a | b |\n|---|---|\n", encoding="utf-8")
    return path


def card(**fields: Any) -> Card:
    return Card(path=Path("README.md"), name="test", licence="cc0-1.0", files={}, **fields)


@pytest.mark.parametrize(
    ("label", "wanted"),
    [
        ("sell", {Intent.SELL}),
        ("advert", ADVERT_INTENTS),
        ("not_advert", NOT_ADVERT),
        ("seek|use_talk", {Intent.SEEK, Intent.USE_TALK}),
        (["advert", "seek"], ADVERT_INTENTS | {Intent.SEEK}),
    ],
)
def test_a_label_allows_one_intent_or_several(label: Any, wanted: set[Intent]) -> None:
    assert allowed(label) == wanted


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("ad", "found the label 'ad', wanted one of sell, recruit, promote,"),
        ("Sell", "found the label 'Sell'"),
        ("sell|", "found the label ''"),
        (["sell", 3], "found the label 3"),
        ([], r"found no label \(\[\]\), wanted an intent, advert or not_advert"),
        (None, r"found no label \(None\)"),
        (1, r"found no label \(1\)"),
        ("", "found the label ''"),
    ],
)
def test_an_unknown_label_is_named_beside_the_known_ones(label: Any, said: str) -> None:
    with pytest.raises(CardError, match=said):
        allowed(label)


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ({"src": "agora_title"}, True),
        ({"src": "agora_*"}, True),
        ({"src": ["x", "agora_*"]}, True),
        ({"src": "Agora_*"}, False),
        ({"src": "agora_*", "year": 2014}, True),  # a number of YAML is the same as the word of a CSV
        ({"src": "agora_*", "year": [2013, 2015]}, False),  # all columns must hold
        ({}, True),
    ],
)
def test_a_rule_holds_when_every_column_has_one_of_its_values(rule: dict[str, Any], holds: bool) -> None:
    assert matches({"src": "agora_title", "year": "2014"}, rule) is holds


def test_a_rule_on_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(CardError, match="a rule names the column 'licence', found src"):
        matches({"src": "a"}, {"licence": "research-only"})


RULES = (
    {"when": {"label": "ad", "src": "market*"}, "intents": ["sell"]},
    {"when": {"label": "ad"}, "intents": "advert"},
    {"when": {"label": "*"}, "intents": "not_advert"},
)


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"label": "ad", "src": "market_1"}, {Intent.SELL}),
        ({"label": "ad", "src": "forum"}, ADVERT_INTENTS),
        ({"label": "no", "src": "market_1"}, NOT_ADVERT),
    ],
)
def test_the_first_rule_that_holds_gives_the_intents(row: dict[str, str], wanted: set[Intent]) -> None:
    assert card(labels=RULES).intents(row) == frozenset(wanted)


def test_a_row_that_no_rule_takes_or_that_is_left_out_has_none() -> None:
    assert card(labels=RULES[:2]).intents({"label": "unsure", "src": "x"}) is None
    assert card(labels=RULES, leave_out=[{"src": "x*"}]).intents({"label": "ad", "src": "xx"}) is None


def test_without_rules_the_label_is_read_as_it_stands() -> None:
    assert card().intents({"label": "seek"}) == frozenset({Intent.SEEK})
    assert card(columns={"label": "intent"}).intents({"intent": "seek", "label": "x"}) == frozenset({Intent.SEEK})


def test_a_card_says_licence_files_and_columns(tmp_path: Path) -> None:
    loaded = load_card(write(tmp_path / "posts", FRONT + "  columns: {label: intent}\n  fill_placeholders: true\n"))
    assert loaded is not None
    assert (loaded.name, loaded.licence, dict(loaded.columns)) == ("posts", "cc0-1.0", {"label": "intent"})
    assert loaded.files == {"rows.jsonl": {"rows": 1}}
    assert loaded.fill_placeholders


@pytest.mark.parametrize("text", ["", "# A plain README\n", "---\nlicense: mit\n---\nA hub card of somebody else\n"])
def test_a_readme_that_describes_no_rows_of_ours_is_no_card(tmp_path: Path, text: str) -> None:
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    assert load_card(tmp_path / "README.md") is None


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ("npsight:\n  files: {a: {}}\n", "wanted `license`"),
        ("license: mit\nnpsight: {}\n", "wanted `license`, and `files` under `npsight`"),
        ("license: mit\nnpsight: yes\n", "wanted `license`, and `files` under `npsight`"),
        ("license: mit\nnpsight: {files: [a.csv]}\n", "wanted `license`, and `files` under `npsight`"),
        (FRONT + "  colums: {}\n", "unknown keys under npsight: colums"),
        ("license: [\n", "the front matter is not YAML"),
        (FRONT + "  columns: {body: text}\n", "unknown columns: body, wanted some of id, text,"),
        (FRONT + "  labels: [{label: ad}]\n", "wanted each of labels as {when: ..., intents: ...}"),
        (FRONT + "  labels: {ad: sell}\n", "wanted labels and leave_out as lists of tables"),
        (FRONT + "  leave_out: [licence]\n", "wanted labels and leave_out as lists of tables"),
        ("license: mit\nnpsight: {files: {a.csv: abc}}\n", "wanted a table for a.csv"),
    ],
)
def test_a_card_that_does_not_say_what_it_must_is_refused_by_name(tmp_path: Path, front: str, said: str) -> None:
    with pytest.raises(CardError) as refused:
        load_card(write(tmp_path, front))
    assert said in str(refused.value)
    assert str(tmp_path / "README.md") in str(refused.value)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    path = tmp_path / "here" / "rows.jsonl"
    path.write_text("{}\n", encoding="utf-8")
    return path


def test_a_card_beside_the_file_goes_before_the_folder_of_cards(data: Path, tmp_path: Path) -> None:
    write(tmp_path / "cards" / "other", FRONT)
    assert find_card(data, tmp_path / "cards").name == "other"
    write(data.parent, FRONT)
    assert find_card(data, tmp_path / "cards").name == "here"


def test_a_readme_beside_the_file_that_is_no_card_is_passed_over(data: Path, tmp_path: Path) -> None:
    (data.parent / "README.md").write_text("# Notes\n", encoding="utf-8")
    write(tmp_path / "cards" / "other", FRONT)
    assert find_card(data, tmp_path / "cards").name == "other"


def test_a_file_without_a_card_is_refused_with_what_to_do(data: Path, tmp_path: Path) -> None:
    write(tmp_path / "cards" / "other", FRONT.replace("rows.jsonl", "else.jsonl"))
    with pytest.raises(
        CardError,
        match=r"rows\.jsonl: no data card names it, and no row is used without one: write a README\.md beside it",
    ):
        find_card(data, tmp_path / "cards")


def test_a_broken_card_beside_the_file_is_said_and_not_passed_over(data: Path, tmp_path: Path) -> None:
    write(data.parent, FRONT + "  colums: {}\n")
    with pytest.raises(CardError, match="unknown keys under npsight: colums"):
        find_card(data, tmp_path / "cards")


def test_a_file_that_is_not_the_one_described_is_refused_by_its_checksum(data: Path, tmp_path: Path) -> None:
    path = write(data.parent, FRONT.replace("rows: 1", f"sha256: {sha256(data)}"))
    assert find_card(data, tmp_path).path == path
    data.write_text("{ }\n", encoding="utf-8")
    with pytest.raises(CardError, match=rf"README\.md has that name with another checksum .*found {sha256(data)}"):
        find_card(data, tmp_path)


def test_a_hub_id_is_found_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "hub", "license: mit\nnpsight: {files: {owner/name: {}}}\n")
    assert hub_card("owner/name", [path]).name == "hub"
    with pytest.raises(CardError, match="owner/other: no data card lists this hub id"):
        hub_card("owner/other", [path])


def test_the_two_sides_share_no_intent_and_cover_all() -> None:
    assert set(INTENTS) == ADVERT_INTENTS | NOT_ADVERT
    assert not ADVERT_INTENTS & NOT_ADVERT
