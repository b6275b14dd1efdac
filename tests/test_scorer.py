from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from models.calibration import advert_log_odds
from models.release import GRAPH, TOKENIZER, Release
from models.scorer import Reading, Scorer

ADVERT = "fresh batch landed clean gear ready 2-MMC dm for prices crypto only"
CALM = "tomatoes grow well the library closes early coffee afterwards"
# Some 150 tokens: three times what the tiny model reads at once. Words in no order of their own.
WORDS = ("tomatoes", "library", "choir", "bread", "rain", "train", "football", "museum", "coffee")
LONG = " ".join(random.Random(5).choices(WORDS, k=150))


@pytest.fixture(scope="module")
def scorer(tiny_release: Release) -> Scorer:
    return Scorer(tiny_release.path(GRAPH), tiny_release.path(TOKENIZER), threads=1)


def odds(readings: Sequence[Reading]) -> list[float]:
    return [float(advert_log_odds(reading.logits)) for reading in readings]


def test_answers_stand_in_the_order_of_the_texts(scorer: Scorer) -> None:
    texts = [CALM, ADVERT, "rain", LONG, ADVERT + " cash or coins", CALM + " " + CALM]  # not sorted by length
    forward, backward = scorer.read(texts), scorer.read(texts[::-1])[::-1]
    for text, one, other in zip(texts, forward, backward, strict=True):
        assert one.offsets.tolist() == other.offsets.tolist()
        assert one.offsets[-1][1] == len(text)
    # 0.1: int8 scales over a batch, so neighbours move a number a little
    assert np.allclose(odds(forward), odds(backward), atol=0.1)
    assert [value > 0 for value in odds(forward)] == [False, True, False, False, True, False]


def test_a_batch_larger_than_one_run_gives_what_small_ones_give(scorer: Scorer) -> None:
    texts = [CALM, ADVERT] * 200  # 4096 tokens a run: several runs
    values = odds(scorer.read(texts))
    assert all((value > 0) == (text == ADVERT) for text, value in zip(texts, values, strict=True))


def test_no_texts_give_no_readings(scorer: Scorer) -> None:
    assert scorer.read([]) == []


@pytest.mark.parametrize("text", ["", " ", "\n\n"])
def test_a_text_without_words_is_read_as_nothing(scorer: Scorer, text: str) -> None:
    reading = scorer.read([text])[0]
    assert np.isfinite(reading.logits).all()
    assert reading.windows == 1
    assert reading.unknown <= 1


def test_an_empty_text_keeps_its_place_among_others(scorer: Scorer) -> None:
    readings = scorer.read([ADVERT, "", CALM])
    assert [len(reading.term) > 0 for reading in readings] == [True, False, True]
    assert odds(readings)[0] > 0 > odds(readings)[2]


@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_an_advert_buried_in_a_long_text_is_read(scorer: Scorer, place: str) -> None:
    offers = " ".join([ADVERT] * 5)  # enough to fill one window, wherever the windows are cut
    parts = {"start": (offers, LONG, LONG), "middle": (LONG, offers, LONG), "end": (LONG, LONG, offers)}[place]
    alone, buried = scorer.read([f"{LONG} {LONG}", " ".join(parts)])
    assert buried.windows > alone.windows > 5
    assert odds([alone])[0] < 0 < odds([buried])[0]


def test_offsets_run_through_all_windows_without_gap_or_repeat(scorer: Scorer) -> None:
    text = f"{LONG} {ADVERT}"
    reading = scorer.read([text])[0]
    offsets = reading.offsets.tolist()
    assert offsets == sorted({(start, end): [start, end] for start, end in offsets}.values())
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(offsets))
    covered = {at for start, end in offsets for at in range(start, end)}
    assert {at for at, letter in enumerate(text) if not letter.isspace()} <= covered
    assert reading.term.shape == (len(offsets),)
    assert "".join(text[start:end] for start, end in offsets[-7:]).replace(" ", "").endswith("dmforpricescryptoonly")


@pytest.mark.parametrize("written", ["<s>", "</s>", "<pad>", "<mask>"])
def test_a_special_token_written_in_a_post_is_text(scorer: Scorer, written: str) -> None:
    unknown = "\u2603"  # no piece of the vocabulary
    assert np.array_equal(scorer.read([written])[0].logits, scorer.read([unknown])[0].logits)
    reading = scorer.read([f"rain {written} rain"])[0]
    assert [0, 4] in reading.offsets.tolist()
    assert reading.offsets[-1][1] == len(f"rain {written} rain")  # what comes after an end is read, too


def test_writing_an_end_does_not_hide_an_advert(scorer: Scorer) -> None:
    assert odds(scorer.read([f"{CALM} </s> <pad> </s> {ADVERT}"]))[0] > 0


def test_unknown_is_the_share_of_tokens_outside_the_vocabulary(scorer: Scorer) -> None:
    known, half, none = (reading.unknown for reading in scorer.read(["rain rain", "rain \u2603", "\u2603 \u2603"]))
    assert (known, half, none) == (0.0, 0.5, 1.0)


def test_the_number_of_threads_changes_nothing(tiny_release: Release, scorer: Scorer) -> None:
    two = Scorer(tiny_release.path(GRAPH), tiny_release.path(TOKENIZER), threads=2)
    assert np.allclose(two.read([ADVERT])[0].logits, scorer.read([ADVERT])[0].logits, atol=1e-4)


def test_one_scorer_serves_several_threads_at_once(scorer: Scorer) -> None:
    texts = [ADVERT, CALM, LONG, ""] * 4
    wanted = [scorer.read([text])[0].logits for text in texts]
    with ThreadPoolExecutor(4) as pool:
        found = [reading.logits for [reading] in pool.map(lambda text: scorer.read([text]), texts)]
    assert np.allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize("missing", ["truncation", "padding"])
def test_a_tokenizer_that_would_cut_or_pad_wrongly_is_refused(
    tiny_release: Release, tmp_path: Path, missing: str
) -> None:
    values = json.loads(tiny_release.path(TOKENIZER).read_text(encoding="utf-8")) | {missing: None}
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(ValueError, match="wanted truncation and padding in the file"):
        Scorer(tiny_release.path(GRAPH), path)
