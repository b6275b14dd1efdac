from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from models.verdict import ADVERT_INTENTS, Intent
from training.ablation_table import ablation_table
from training.ablations import ABLATIONS, CONFIG, split_of
from training.cards import NOT_ADVERT
from training.config import Sample
from training.corpus import Corpus, DataError, Row
from training.lift import Sides, by_hand_first, lift_splits, plan_beside, ranked, read_sides
from training.lift_table import CLOSE, OPEN, lift_lines, print_lift, stamp_lift
from training.protocol_pool import Budget, Pool, load_protocol, pool_of

SAMPLE = Sample(ordinary=("stream",), calibrate_share=0.2, test_share=0.1)
BUDGET = Budget(train_rows=60, calibrate_rows=60, calibrate_ordinary=30, test_rows=20, test_negatives=5)


def real(source: str, number: int, *, advert: bool = False) -> list[Row]:
    intents = ADVERT_INTENTS if advert else NOT_ADVERT
    return [
        Row(f"{source}-{n}", f"{source} quaint {n * n} marble{n} otter{n} kite{n} plum{n}", intents, source)
        for n in range(number)
    ]


def posts(name: str, number: int) -> list[Row]:
    return [
        Row(f"{name}-{n}", f"{name} lantern{n} gravel{n} wren{n}", frozenset({intent}), "ours", spans=())
        for n in range(number)
        for intent in (Intent.SELL if n % 2 else Intent.OTHER,)
    ]


@pytest.fixture(scope="module")
def pool() -> Pool:
    rows = [*real("market", 60, advert=True), *real("forum", 60, advert=True), *real("stream", 200)]
    return pool_of(rows, SAMPLE, BUDGET, seed=3)


def test_a_fold_is_gone_from_training_and_its_runs_differ_in_posts_alone(pool: Pool) -> None:
    mine = by_hand_first([*posts("made", 30), *posts("hand", 10)], {f"made-{n}" for n in range(30)}, seed=1)
    splits = lift_splits(pool, mine, posts("test", 40), sizes=(0, 10, 25), folds=[("market",), ("forum",)])
    assert [split.name for split in splits] == [
        f"{fold} held out, {size} posts" for fold in ("market", "forum") for size in (0, 10, 25)
    ]
    for none, some, many in (splits[:3], splits[3:]):
        held = none.name.split()[0]
        assert not any(row.source == held for row in [*many.train, *many.calibrate])
        assert any(row.source == held and row.is_advert for row in many.test)
        assert sum(row.source == "ours" for row in many.test) == BUDGET.test_rows
        assert none.test == some.test == many.test
        assert none.calibrate == many.calibrate
        assert [row.id for row in some.train] == [row.id for row in [*none.train, *mine[:10]]]
        assert all(row.id.startswith("hand") for row in some.train[len(none.train) :])
        assert len(many.train) == len(none.train) + 25


def test_more_posts_than_there_are_is_no_split(pool: Pool) -> None:
    split = lift_splits(pool, posts("hand", 4), posts("test", 9), sizes=(5,), folds=[("market",)])[0]
    assert split.why == "there are 4 posts that may train"
    assert not split.train


def test_a_source_of_adverts_alone_is_ranked_above_the_other_real_rows() -> None:
    rows = [*real("market", 2, advert=True), *real("stream", 2), *posts("test", 2)]
    scores = [0.9, 0.4, 0.5, 0.1, 0.95, 0.2]  # the test post at 0.95 is not of the market
    assert ranked(rows, scores, "market") == pytest.approx((1 + 2 / 3) / 2)
    assert ranked(rows, scores, "ours") == pytest.approx(1 / 2)


def measured(share: float, precision: float) -> dict[str, Any]:
    found = {"count": 1, "of": 10, "share": share, "low": 0.0, "high": 1.0}
    return {"recall": found, "false_flags": found, "average_precision": precision}


def section() -> dict[str, Any]:
    one = {"release": measured(0.25, 0.5), "baseline": measured(0.5, 0.75)}
    runs = [
        {"split": "market held out, 0 posts", "held_out": "market", "real": 60, "posts": 0},
        {"split": "market held out, 1,000 posts", "held_out": "market", "real": 60, "posts": 1000},
    ]
    runs[0]["sources"] = {"market": one, "ours": one}
    runs[1]["sources"] = {"market": {"release": measured(0.75, 0.8), "baseline": measured(0.5, 0.7)}}
    late = {"split": "market held out, 9 posts", "why": "there are 4 posts"}
    return {"budget": "6 layers, x", "start": "tiny", "false_flags_per_10000": 10.0, "runs": [*runs, late]}


def test_the_tables_show_the_network_beside_the_baseline() -> None:
    text = lift_lines(section())
    assert "6 layers, one epoch, 60 real rows" in text
    assert "| posts | market | ours, without market |" in text
    assert "| 0 | 25% / 50% | 25% / 50% |" in text
    assert "| 1,000 | 75% / 50% | not measured |" in text
    assert "| 1,000 | 0.80 / 0.70 | not measured |" in text
    out = io.StringIO()
    print_lift(section(), Console(file=out, width=200))
    assert "60 real rows, 1,000 posts" in out.getvalue()


def test_a_card_is_stamped_between_its_marks_or_refused(tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text(f"above\n{OPEN}\nstale figure\n{CLOSE}\nbelow\n", encoding="utf-8")
    stamp_lift(card, section())
    text = card.read_text(encoding="utf-8")
    assert text.startswith("above\n")
    assert text.endswith("below\n")
    assert "stale figure" not in text
    card.write_text("nothing", encoding="utf-8")
    with pytest.raises(DataError, match="no <!-- lift"):
        stamp_lift(card, section())


def test_ablations_share_their_rows_and_differ_in_one_part() -> None:
    config, budget = load_protocol(CONFIG)
    rows = [*real("dream_profiles", 60, advert=True), *real("agora_desc", 90, advert=True), *real("gumtree_uk", 300)]
    pool = pool_of(rows, config.sample, budget, seed=7)
    sides = Sides(Corpus(rows, [], {}), pool, posts("ours", 40), posts("test", 20))
    splits = {ablation.name: split_of(ablation, sides) for ablation in ABLATIONS}
    whole, without = splits["nothing left out"], splits["without posts of our own"]
    assert {row.id for row in whole.train} - {row.id for row in without.train} == {f"ours-{n}" for n in range(40)}
    assert not any(row.source == "dream_profiles" for split in splits.values() for row in split.train)
    assert all(split.test == whole.test and split.calibrate == whole.calibrate for split in splits.values())
    changed = {each.name: each.change(config) for each in ABLATIONS}
    assert changed["nothing left out"] == config
    assert changed["without the term head"].term_loss == 0
    assert (changed["without augmentation"].hide_terms, changed["without augmentation"].disguise) == (0, 0)
    assert changed["12 layers instead of 6"].layers is None
    assert (config.words_share, changed["without the reader of words"].words_share) == (0.75, 0)
    assert changed["windows of 64 tokens instead of 128"].max_tokens == 64


def test_the_table_of_ablations_names_each_run_once_and_says_what_was_not_measured() -> None:
    both = {"release": measured(0.25, 0.5), "baseline": measured(0.5, 0.75)}
    figures = {"sources": {"market": both, "ours": both}, "term_f1": {"model": 0.5}, "intents_f1": None}
    ran = {"split": "whole", "kind": "ablation", "posts_per_s": 71.6, "graph_bytes": 27_400_000, **figures}
    late = {"split": "an English backbone", "kind": "ablation", "why": "none was given"}
    other = {"split": "random", "kind": "random"}
    drawn = ablation_table({"protocol": {"budget": "6 layers", "runs": [ran, late, other]}}).splitlines()
    assert drawn[0] == "Budget of each run: 6 layers."
    assert drawn[-3].startswith("| whole | market | 25% (1 of 10")
    assert drawn[-3].endswith("| 0.500 / 0.750 | 0.500 | none | 72 | 27 |")
    assert drawn[-2].startswith("|  | ours |")
    assert drawn[-1].startswith("| an English backbone | none was given |")
    assert "random" not in "".join(drawn)
    assert ablation_table({"protocol": {"budget": "6 layers", "runs": [ran | {"posts": 3000}]}}).startswith(
        "Budget of each run: 6 layers, and 3,000 posts of our own where they train."
    )
    assert ablation_table({}) == "Not measured: not run."


def test_without_an_english_encoder_that_run_says_so() -> None:
    config, budget = load_protocol(CONFIG)
    rows = [*real("dream_profiles", 60, advert=True), *real("agora_desc", 90, advert=True), *real("gumtree_uk", 300)]
    sides = Sides(
        Corpus(rows, [], {}), pool_of(rows, config.sample, budget, seed=7), posts("ours", 40), posts("test", 20)
    )
    english = next(each for each in ABLATIONS if each.english)
    assert split_of(english, sides, why="no English backbone was given").why == "no English backbone was given"


def test_where_the_config_knows_no_source_of_the_rows_real_posts_without_an_advert_are_ordinary(tmp_path: Path) -> None:
    real, ours = tmp_path / "real", tmp_path / "ours"
    written = {
        real / "march.csv": "text,label\nfresh gear in tonight,advert\nlovely soup at the market,not_advert\n",
        ours / "train.csv": "text,label\nmenu is up for the town,sell\nstay safe and test it,harm_reduction\n",
        ours / "test.jsonl": '{"text": "two left at the old price", "label": "sell"}\n',
    }
    for folder, names in ((real, ["march.csv"]), (ours, ["train.csv", "test.jsonl"])):
        folder.mkdir()
        files = "".join(f"    {name}: {{}}\n" for name in names)
        (folder / "README.md").write_text(f"---\nlicense: other\nnpsight:\n  files:\n{files}---\n", encoding="utf-8")
    for path, text in written.items():
        path.write_text(text, encoding="utf-8")
    said: list[str] = []
    plan = plan_beside(ours, [str(real / "march.csv")], backbone="none", cards=tmp_path, lexicon=None, config=CONFIG)
    fitted, sides = read_sides(plan, ours, said.append)
    assert any("counts as such" in step for step in said)
    assert fitted.config.sample.ordinary == ("*",)
    assert [row.text for row, ordinary in zip(sides.pool.rows, sides.pool.ordinary, strict=True) if ordinary] == [
        "lovely soup at the market"
    ]
    assert len(sides.posts) == 2
