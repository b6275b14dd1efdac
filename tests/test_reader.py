"""Two readers at once: the plain one moves the advert side and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from models.calibration import Calibration, advert_log_odds, softmax
from models.reader import Reader
from models.release import Release, load_detector, load_reader
from models.scorer import Reading
from models.verdict import Post
from models.words import CHAR_BUCKETS, WORD_BUCKETS, Words, buckets

LOGITS = np.array([2.0, 1.0, 0.5, -1.0, 0.0, 0.3, -0.2, 1.5])


class Network:
    def read(self, texts: Sequence[str]) -> list[Reading]:
        return [Reading(LOGITS, np.empty((0, 2), dtype=np.int64), np.empty(0), 0.0, 1) for _ in texts]


def words_for(text: str, weight: float) -> Words:
    """Weigh one text's buckets alike, so that it gives `weight` times the root of their number, and others less."""
    rarity = np.ones(WORD_BUCKETS + CHAR_BUCKETS, dtype=np.float16)
    weights = np.zeros(WORD_BUCKETS + CHAR_BUCKETS, dtype=np.float16)
    weights[buckets(text)[0]] = weight
    return Words(rarity, weights, 0.25)


def test_the_share_of_the_plain_readers_log_odds_is_added_to_the_networks() -> None:
    words = words_for("fresh gear", 0.5)
    reader = Reader(Network(), words, 0.5)
    for text, reading in zip(["fresh gear", "tea"], reader.read(["fresh gear", "tea"]), strict=True):
        moved = advert_log_odds(reading.logits) - advert_log_odds(LOGITS)
        assert moved == pytest.approx(0.5 * words.log_odds([text])[0])


def test_within_each_side_the_intents_keep_their_shares() -> None:
    (reading,) = Reader(Network(), words_for("fresh gear", 0.5), 2.0).read(["fresh gear"])
    for side in (slice(0, 3), slice(3, 8)):
        assert softmax(reading.logits[side]) == pytest.approx(softmax(LOGITS[side]))


def test_an_empty_text_gives_the_intercept() -> None:
    assert words_for("fresh gear", 0.5).log_odds([""]).tolist() == [0.25]


def test_a_calibration_of_an_earlier_release_is_of_the_network_alone() -> None:
    values = {"slope": 1.0, "intercept": 0.0, "temperature": 1.0, "prevalence": 0.5, "term_threshold": 0.5}
    assert Calibration.from_json(values).words_share == 0.0
    assert Calibration.from_json(values | {"words_share": 0.5}).words_share == 0.5


def test_a_release_is_read_at_the_share_that_its_calibration_was_fitted_on(tiny_release: Release) -> None:
    alone, both = (load_reader(tiny_release.folder, words_share=share) for share in (0.0, 1.0))
    text = ["clean gear ready dm for prices"]
    moved = advert_log_odds(both.read(text)[0].logits) - advert_log_odds(alone.read(text)[0].logits)
    assert moved == pytest.approx(Words.load(tiny_release.path("baseline.npz")).log_odds(text)[0])
    assert load_detector(tiny_release)([Post("a", text[0])])[0].release == tiny_release.version
