from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from models import neardup
from models.calibration import IS_ADVERT, Calibration
from models.detector import Detector
from models.normalise import as_written, normalise
from models.policy import Bands, load_policy
from models.release import CARD, LEXICON, MANIFEST, POLICY, REPORT, REQUIRED, SKETCH, TOKENIZER, Release, open_release
from models.scorer import Reading
from models.verdict import ADVERT_INTENTS, INTENTS, Intent, Kind, Post, Span
from training.calibrate import CalibrationError, calibrate, working_policy
from training.card_tables import in_words
from training.cards import NOT_ADVERT
from training.config import Config, Sample, config_from
from training.corpus import Row, load_corpus
from training.evaluation.records import read_file
from training.network import Network
from training.parity import check_parity
from training.pipeline import (
    Order,
    Start,
    make_release,
    start_from_backbone,
    start_from_release,
    train_release,
)
from training.splits import Splits, is_ordinary, split, with_ordinary
from training.start import choose_config, choose_lexicon, choose_start


@pytest.fixture(scope="module")
def report(tiny_release: Release) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(tiny_release.path(REPORT).read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def splits(tiny_data: Path, tiny_config: dict[str, Any]) -> Splits:
    names = [str(tiny_data / name) for name in ("posts.jsonl", "listings.csv")]
    rows = load_corpus(names, cards=tiny_data, read=read_file).rows
    return split(rows, config_from(tiny_config).sample, seed=Config().seed)


def test_a_release_is_whole_and_nothing_is_left_beside_it(tiny_release: Release) -> None:
    assert {path.name for path in tiny_release.folder.iterdir()} == {*REQUIRED, MANIFEST}
    assert [path.name for path in tiny_release.folder.parent.iterdir()] == [tiny_release.folder.name]


def test_a_release_names_no_path_of_the_machine_that_made_it(tiny_release: Release, tiny_data: Path) -> None:
    for name in (MANIFEST, REPORT, CARD, POLICY):
        text = tiny_release.path(name).read_text(encoding="utf-8")
        assert str(tiny_data.parent) not in text
        assert "/tmp/" not in text


def test_the_manifest_says_how_it_was_made(tiny_release: Release, tiny_config: dict[str, Any], tiny_data: Path) -> None:
    manifest = tiny_release.manifest
    assert config_from(manifest["config"]) == config_from(tiny_config)
    assert (manifest["backbone"], manifest["layers"]) == ("tiny-bert", 2)
    assert [card["name"] for card in manifest["cards"]] == [tiny_data.name]  # two files under it, named once
    assert manifest["cards"][0]["licence"] == "cc0-1.0"


def test_the_report_counts_the_rows_by_use(report: dict[str, Any], splits: Splits) -> None:
    training = report["training"]
    assert training["train_rows"] == len(splits.train)
    assert training["calibrate_rows"] == len(splits.calibrate)
    assert training["test_rows"] == report["rows"] == len(splits.test)
    sides = [side for source in training["train_by_source"].values() for side in source.values()]
    assert sum(sides) == training["train_rows"]
    assert report["slices"]["all"]["release"]["recall"]["of"] == sum(row.is_advert for row in splits.test)


def test_the_tiny_network_learnt_its_tiny_data(report: dict[str, Any]) -> None:
    rates = report["slices"]["all"]["release"]
    assert rates["recall"]["share"] > 0.9
    assert rates["false_flags"]["share"] < 0.1
    assert report["parity"]["adverts"] > 0


def test_the_sketch_knows_what_was_learnt_from_and_no_test_rows(tiny_release: Release, splits: Splits) -> None:
    sketch = neardup.load(tiny_release.path(SKETCH))
    for learnt in (splits.train, splits.calibrate):  # thresholds were set on the latter
        assert neardup.seen([row.text for row in learnt], sketch).all()
    assert not neardup.seen([row.text for row in splits.test], sketch).any()


def test_the_report_says_what_training_took(report: dict[str, Any]) -> None:
    training = report["training"]
    assert 0 < training["train_seconds"] <= training["seconds"] + 1
    assert training["visits"] == 20 * training["train_rows"]


def test_the_policy_of_a_release_reviews_and_never_acts(tiny_release: Release, report: dict[str, Any]) -> None:
    policy = load_policy(tiny_release.path(POLICY))
    assert policy.prevalence == 0.003
    assert {band.act for band in policy.bands.values()} == {None}
    assert {band.review for band in policy.bands.values()} == {report["working_point"]["threshold"]}


def test_the_model_card_says_the_figures_of_the_report(tiny_release: Release, report: dict[str, Any]) -> None:
    text = tiny_release.path(CARD).read_text(encoding="utf-8")
    assert f"**{report['working_point']['threshold']:.4f}**" in text
    assert in_words(report["slices"]["all"]["release"]["recall"]) in text
    assert "| en |" in text
    assert not re.search(r"\{\w*\}", text)


def test_the_tokenizer_carries_length_stride_and_padding(tiny_release: Release) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_release.path(TOKENIZER)))
    assert tokenizer.truncation is not None
    assert (tokenizer.truncation["max_length"], tokenizer.truncation["stride"]) == (48, 12)
    assert tokenizer.padding is not None
    assert tokenizer.padding["pad_id"] == tokenizer.token_to_id("<pad>")


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        ({"count": 0, "of": 0, "share": None, "low": None, "high": None}, "none"),
        ({"count": 9, "of": 10, "share": 0.9, "low": 0.555, "high": 0.9975}, "90% (9 of 10; 56% to 100%)"),
        ({"count": 1, "of": 4000, "share": 0.00025, "low": 6e-6, "high": 0.0014}, "0.03% (1 of 4,000; 0.00% to 0.14%)"),
    ],
)
def test_a_rate_is_said_with_its_counts_and_interval(rate: dict[str, Any], said: str) -> None:
    assert in_words(rate) == said


def order_for(data: Path, lexicon: Path, start: Start, config: Config) -> Order:
    return Order([str(data)], start, config, cards=data.parent, lexicon=lexicon, version="2")


def test_an_existing_folder_is_never_written_to(tiny_release: Release, tiny_data: Path, tiny_lexicon: Path) -> None:
    start = start_from_release(tiny_release)
    with pytest.raises(FileExistsError, match="already there, wanted a new folder"):
        train_release(order_for(tiny_data / "posts.jsonl", tiny_lexicon, start, Config()), tiny_release.folder)
    assert open_release(tiny_release.folder).version == "2026.1.1"


def test_data_that_cannot_be_read_leaves_nothing_behind(
    tiny_release: Release, tiny_data: Path, tiny_lexicon: Path, tmp_path: Path
) -> None:
    order = order_for(tiny_data / "none.jsonl", tiny_lexicon, start_from_release(tiny_release), Config())
    with pytest.raises(ValueError, match=r"none\.jsonl: no such file"):
        train_release(order, tmp_path / "runs" / "out")
    assert not (tmp_path / "runs").exists()


def test_a_release_is_made_of_splits_that_stand_already_and_parity_may_be_left_out(
    tiny_release: Release, tiny_data: Path, tiny_lexicon: Path, tiny_config: dict[str, Any], tmp_path: Path
) -> None:
    config = replace(config_from(tiny_config), epochs=1.0, parity_rows=0)
    corpus = load_corpus(
        [str(tiny_data / "posts.jsonl"), str(tiny_data / "listings.csv")], cards=tiny_data, read=read_file
    )
    ordinary = [row for row in corpus.rows if row.source.startswith("stream/")]
    adverts = [row for row in corpus.rows if row.is_advert]
    ready = Splits(ordinary[:20] + adverts[:20], ordinary[20:40] + adverts[20:40], ordinary[40:60] + adverts[40:60])
    order = order_for(tiny_data / "none.jsonl", tiny_lexicon, start_from_release(tiny_release), config)  # is not read
    steps: list[str] = []
    release = make_release(order, corpus, ready, tmp_path / "out", on_step=steps.append)
    made = json.loads(release.path(REPORT).read_text(encoding="utf-8"))
    assert made["parity"] == {"rows": 0, "why": "not checked: the config asks for no row"}
    assert (made["training"]["train_rows"], made["rows"], made["adverts"]) == (40, 40, 20)
    assert "Not checked." in release.path(CARD).read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert "calibrate on 40 rows" in steps


def test_a_start_from_a_release_is_its_weights_and_its_name(tiny_release: Release, tiny_backbone: Path) -> None:
    start = start_from_release(tiny_release)
    assert isinstance(start.network, Network)
    assert start.name == "tiny-bert"
    fresh = start_from_backbone(str(tiny_backbone), Config())
    assert fresh.network.state_dict().keys() == start.network.state_dict().keys()
    assert fresh.tokenizer.get_vocab() == start.tokenizer.get_vocab()


@pytest.mark.parametrize("both", [True, False])
def test_training_starts_from_one_thing(tiny_release: Release, tiny_backbone: Path, both: bool) -> None:
    parent, backbone = (tiny_release, str(tiny_backbone)) if both else (None, None)
    with pytest.raises(ValueError, match="wanted --from RELEASE or --backbone NAME_OR_FOLDER, and not both"):
        choose_start(parent, backbone, Config())


def test_config_and_lexicon_come_from_the_parent_unless_given(tiny_release: Release, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("epochs = 9", encoding="utf-8")
    assert choose_config(None, tiny_release) == config_from(tiny_release.manifest["config"])
    assert choose_config(tmp_path / "c.toml", tiny_release) == Config(epochs=9)
    assert choose_config(None, None) == Config()
    assert choose_lexicon(tiny_release) == tiny_release.path(LEXICON)


def reading(odds: float) -> Reading:
    logits = np.where(IS_ADVERT, odds + np.log(5 / 3), 0.0)  # advert log-odds of exactly `odds`
    return Reading(logits, np.empty((0, 2), np.int64), np.empty(0), 0.0, 1)


def rows_of(adverts: int, others: int, source: str = "stream") -> list[Row]:
    labels = [frozenset({Intent.SELL})] * adverts + [NOT_ADVERT] * others
    return [Row(str(n), "t", label, source) for n, label in enumerate(labels)]


def test_calibration_finds_the_curve_that_the_rows_follow() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 2, 20_000)
    adverts = rng.random(20_000) < 1 / (1 + np.exp(-truth))
    rows = [
        Row(str(n), "t", frozenset({Intent.SELL}) if is_advert else NOT_ADVERT, "s")
        for n, is_advert in enumerate(adverts)
    ]
    found = calibrate(
        rows, [reading(odds) for odds in (truth + 1) / 0.5]
    )  # the network says twice too much, and 1 too high
    assert found.slope == pytest.approx(0.5, rel=0.05)
    assert found.intercept == pytest.approx(-1, abs=0.1)
    assert found.prevalence == 0.5


def test_a_temperature_needs_enough_full_labels() -> None:
    rows = rows_of(10, 100)  # ten rows with one intent
    assert calibrate(rows, [reading(1.0 if row.is_advert else -1.0) for row in rows]).temperature == 1.0


def test_the_term_threshold_is_the_cut_that_tells_marked_words_best() -> None:
    offsets = np.array([[0, 3], [4, 8]])  # "got zaza": the first word is said to name a drug at 0.7, the second at 0.9
    said = replace(reading(1.0), offsets=offsets, term=np.array([0.7, 0.9]))
    marked = [replace(row, text="got zaza", spans=(Span(4, 8, Kind.SLANG, "zaza"),)) for row in rows_of(5, 5)]
    assert 0.7 < calibrate(marked, [said] * 10).term_threshold <= 0.9
    unmarked = [replace(row, spans=None) for row in marked]
    assert calibrate(unmarked, [said] * 10).term_threshold == 0.5


@pytest.mark.parametrize(("adverts", "others"), [(5, 0), (0, 5)])
def test_one_side_alone_cannot_be_calibrated_on(adverts: int, others: int) -> None:
    rows = rows_of(adverts, others)
    with pytest.raises(CalibrationError, match=rf"{adverts} adverts among 5 rows to calibrate on: wanted both sides"):
        calibrate(rows, [reading(0.0)] * 5)


PLAIN = Calibration(1.0, 0.0, 1.0, 0.5)


def test_the_advert_probability_is_the_sum_over_the_advert_intents() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (50, 8))
    calibration = Calibration(0.7, -0.4, 1.3, 0.5)
    summed = calibration.probabilities(logits, prevalence=0.003)[:, IS_ADVERT].sum(1)
    assert calibration.advert_probabilities(logits, prevalence=0.003) == pytest.approx(summed)


def test_parity_reads_a_post_without_its_disguises(tiny_detector: Detector) -> None:
    hidden = "fresh batch landed ketamine dm for prices".translate(str.maketrans("aceo", "\u0430\u0441\u0435\u043e"))
    read, written = (
        replace(tiny_detector, normalise=each)([Post("a", hidden)])[0].advert_probability
        for each in (normalise, as_written)
    )
    assert read != pytest.approx(written, rel=0.1)
    between = Bands(review=(read + written) / 2)
    policy = replace(tiny_detector.policy, bands=dict.fromkeys(ADVERT_INTENTS, between))
    scorer, row = tiny_detector.scorer, Row("a", hidden, frozenset({Intent.SELL}), "s")
    figures = check_parity([row], scorer, scorer, calibration=tiny_detector.calibration, policy=policy)
    assert figures["flagged"] == (read > written)


@pytest.mark.parametrize(("per_10000", "allowed"), [(0.0, 0), (99.0, 0), (100.0, 1), (500.0, 5)])
def test_the_threshold_leaves_the_false_flags_asked_for(per_10000: float, allowed: int) -> None:
    config = Config(false_flags_per_10000=per_10000, prevalence=0.5, sample=Sample(ordinary=("stream",)))
    rows = [*rows_of(3, 100), *rows_of(0, 50, source="market")]  # the market is no ordinary stream
    odds = [6.0, 1.0, -9.0, *np.linspace(-4, 4, 100), *[9.0] * 50]
    policy, figures = working_policy(rows, [reading(each) for each in odds], PLAIN, config)
    assert (figures["ordinary_rows"], figures["false_flags_allowed"], figures["false_flags"]) == (100, allowed, allowed)
    assert figures["recall"] == pytest.approx(1 / 3)
    assert set(policy.bands) == ADVERT_INTENTS
    assert figures["threshold"] == round(figures["threshold"], 4)


def likely(intent: Intent, odds: float) -> Reading:
    logits = np.array([0.0 if each not in ADVERT_INTENTS else -99.0 for each in INTENTS])
    logits[INTENTS.index(intent)] = odds + math.log(len(INTENTS) - len(ADVERT_INTENTS))
    return replace(reading(0.0), logits=logits)


def test_hard_posts_raise_the_threshold_of_the_intent_whose_flags_are_wrong_too_often() -> None:
    config = Config(false_flags_per_10000=0.0, most_wrong=0.34, prevalence=0.5, sample=Sample(ordinary=("stream",)))
    authored = [replace(row, source="ours", spans=()) for row in rows_of(3, 2)]
    rows = [*rows_of(0, 1), *authored]
    said = [
        likely(Intent.SELL, -5.0),
        *(likely(Intent.RECRUIT, 4.0), likely(Intent.RECRUIT, 3.0), likely(Intent.SELL, 1.0)),
        *(likely(Intent.RECRUIT, 3.5), likely(Intent.RECRUIT, 2.0)),  # these two are no adverts
    ]
    policy, figures = working_policy(rows, said, PLAIN, config)
    below, above = 1 / (1 + math.exp(-2.0)), 1 / (1 + math.exp(-3.0))  # three flags with one wrong, not four with two
    assert list(figures["raised"]) == ["recruit"]
    assert below < figures["raised"]["recruit"] < above
    assert policy.bands[Intent.RECRUIT].review == figures["raised"]["recruit"]
    assert policy.bands[Intent.SELL].review == policy.bands[Intent.PROMOTE].review == figures["threshold"]
    assert figures["recall"] == 1.0
    lax, _ = working_policy(rows, said, PLAIN, replace(config, most_wrong=1.0))
    assert lax.bands[Intent.RECRUIT].review == figures["threshold"]


def test_without_ordinary_rows_there_is_no_threshold() -> None:
    config = Config(sample=Sample(ordinary=("stream/*",)))
    with pytest.raises(CalibrationError, match=r"none of 4 rows is of an ordinary source \(stream/\*\): no threshold"):
        working_policy(rows_of(2, 2, source="market"), [reading(0.0)] * 4, PLAIN, config)


def test_without_an_ordinary_source_every_post_without_an_advert_is_ordinary() -> None:
    said: list[str] = []
    config = Config(sample=Sample(ordinary=("stream/*",)))
    rows = [*rows_of(2, 3, source="mine"), *rows_of(1, 1, source="march")]
    found = with_ordinary(config, rows, said.append)
    assert sum(is_ordinary(row, found.sample) for row in rows) == sum(not row.is_advert for row in rows) > 0
    assert "every post without an advert" in said[0]
    assert with_ordinary(config, [*rows, *rows_of(1, 1, source="stream/x")], said.append) is config
    assert len(said) == 1
