from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer

from models.release import BASELINE, Release
from models.verdict import Intent
from models.words import CHAR_BUCKETS, WORD_BUCKETS, Words
from training.cards import NOT_ADVERT
from training.corpus import Row
from training.evaluation.baselines import features, fit_baseline, save_baseline
from training.evaluation.run import baseline_threshold
from training.parity import hard_rows

RNG = random.Random(0)
SALE = ("fresh batch", "crystal", "grams", "dm me", "escrow", "stealth", "drop tonight", "restock")
LIFE = ("tomatoes", "library", "rain again", "football", "my cat", "bicycle", "museum", "choir")
TEXTS = [" ".join(RNG.sample((SALE, LIFE)[n % 2], 4)) for n in range(80)]
ADVERT = [n % 2 == 0 for n in range(80)]


@pytest.fixture(scope="module")
def baseline() -> Words:
    return fit_baseline(TEXTS, ADVERT)


def test_it_tells_adverts_from_the_rest(baseline: Words) -> None:
    found = baseline.log_odds(["crystal grams dm me", "my cat in the rain again"])
    assert found[0] > 0 > found[1]


def test_saved_and_loaded_it_ranks_alike(baseline: Words, tmp_path: Path) -> None:
    save_baseline(baseline, tmp_path / "baseline.npz")
    loaded = Words.load(tmp_path / "baseline.npz")
    assert np.array_equal(loaded.log_odds(TEXTS), baseline.log_odds(TEXTS))
    assert (tmp_path / "baseline.npz").stat().st_size < 2_000_000


def test_a_release_carries_one_that_can_be_read(tiny_release: Release) -> None:
    found = Words.load(tiny_release.path(BASELINE)).log_odds(["clean gear ready dm for prices", "my cat sleeps"])
    assert found[0] > found[1]


def test_what_was_never_seen_gives_the_intercept_and_empty_text_no_error(baseline: Words) -> None:
    assert baseline.log_odds(["", "\u4eca\u5929"]).tolist() == pytest.approx([baseline.intercept] * 2)


def test_features_do_not_depend_on_the_batch() -> None:
    together, alone = features(TEXTS[:3]), features(TEXTS[1:2])
    assert together.shape == (3, WORD_BUCKETS + CHAR_BUCKETS)
    assert (together[1] != alone[0]).nnz == 0


def row(number: int, text: str, *, advert: bool, source: str = "s") -> Row:
    return Row(str(number), text, frozenset({Intent.SELL}) if advert else NOT_ADVERT, source)


@pytest.mark.parametrize(("per_10000", "flags"), [(0, 0), (100, 1), (1000, 10)])
def test_its_threshold_leaves_the_false_flags_asked_for(baseline: Words, per_10000: float, flags: int) -> None:
    rng = random.Random(1)
    rows = [row(n, " ".join(rng.sample((*SALE, *LIFE), 5)), advert=False) for n in range(100)]
    odd = row(100, "grams crystal grams dm me escrow", advert=False, source="odd")  # no ordinary source
    threshold = baseline_threshold(baseline, [*rows, odd], ordinary=["s"], per_10000=per_10000)
    assert int((baseline.log_odds([each.text for each in rows]) >= threshold).sum()) == flags


def test_hard_rows_are_adverts_and_what_looks_most_like_them(baseline: Words) -> None:
    rows = [row(n, text, advert=advert) for n, (text, advert) in enumerate(zip(TEXTS, ADVERT, strict=True))]
    tempting = row(99, "grams of tomatoes and crystal clear rain", advert=False)
    chosen = hard_rows([*rows, tempting], baseline, most=10)
    assert [each.is_advert for each in chosen] == [True] * 5 + [False] * 5
    assert tempting in chosen
    assert all(each.is_advert for each in hard_rows(rows[::2], baseline, most=10))


def test_the_plain_reader_hashes_as_scikit_learn_does() -> None:
    texts = [*TEXTS, "", "a", "ab  cd", "x\ny\t z", "É ß İstanbul", "🍬 ok", "ok ok OK"]
    common: dict[str, Any] = {"norm": None, "alternate_sign": False}
    word = HashingVectorizer(ngram_range=(1, 2), token_pattern=r"\w+", n_features=WORD_BUCKETS, **common)
    char = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), n_features=CHAR_BUCKETS, **common)
    theirs = sparse.hstack([word.transform(texts), char.transform(texts)], format="csr")
    theirs.data = 1 + np.log(theirs.data)
    assert abs(features(texts) - theirs).max() < 1e-12
