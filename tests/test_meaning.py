"""The sentence beside a probability."""

from __future__ import annotations

import pytest
from cases import put_case  # type: ignore[import-not-found]  # pytest finds it beside this file
from decided import decide  # type: ignore[import-not-found]
from sqlalchemy import Engine

from serving.review.meaning import ENOUGH, UNCHECKED, Experience, band_of, experience, meaning
from serving.store.engine import writing

NONE = Experience([0] * 10, [0] * 10)
SEEN = Experience([140, 0, 0, 0, 0, 0, 0, 0, 3, 57], [1, 0, 0, 0, 0, 0, 0, 0, 3, 51])


@pytest.mark.parametrize(
    ("probability", "said"),
    [
        (0.934, "Of 100 posts like this, 93 are adverts"),
        (0.5, "Of 100 posts like this, 50 are adverts"),
        (0.0149, "Of 100 posts like this, 1 is an advert"),
        (0.999, "Of 100 posts like this, more than 99 are adverts"),
        (1.0, "Of 100 posts like this, more than 99 are adverts"),
        (0.0001, "Of 100 posts like this, fewer than 1 is an advert"),
        (0.0, "Of 100 posts like this, fewer than 1 is an advert"),
    ],
)
def test_a_probability_is_said_of_a_hundred_posts(probability: float, said: str) -> None:
    assert meaning(probability, NONE) == f"{said}; {UNCHECKED}."


@pytest.mark.parametrize(
    ("probability", "said"),
    [
        (0.93, "of 57 reviewed posts with a probability between 0.9 and 1.0, 51 were adverts"),
        (0.02, "of 140 reviewed posts with a probability between 0.0 and 0.1, 1 was an advert"),
        (0.85, "estimated: only 3 reviewed posts with a probability between 0.8 and 0.9 so far"),
        (0.45, "estimated: only 0 reviewed posts with a probability between 0.4 and 0.5 so far"),
    ],
)
def test_with_decisions_enough_the_observed_share_of_like_posts_is_told(probability: float, said: str) -> None:
    assert sum(SEEN.decided) == ENOUGH
    assert meaning(probability, SEEN).endswith(f"; {said}.")


def test_one_decision_fewer_and_it_is_not_yet_checked() -> None:
    fewer = Experience([139, *SEEN.decided[1:]], SEEN.adverts)
    assert meaning(0.93, fewer).endswith(f"{UNCHECKED}.")


@pytest.mark.parametrize(("probability", "band"), [(0.0, 0), (0.0999, 0), (0.1, 1), (0.7, 7), (0.9, 9), (1.0, 9)])
def test_a_band_holds_its_lower_end_and_the_last_both(probability: float, band: int) -> None:
    assert band_of(probability) == band


def test_experience_counts_a_campaign_once_and_only_what_stands(engine: Engine) -> None:
    with writing(engine) as connection:
        decide(connection, put_case(connection, probability=0.95, copies=20), "advert")
        decide(connection, put_case(connection, probability=0.92), "not_advert")
        decide(connection, put_case(connection, probability=0.92), "unsure")
        decide(connection, put_case(connection, probability=0.3, release="2026.12.9"), "not_advert")
        taken_back = put_case(connection, probability=0.3)
        decide(connection, taken_back, "undo", undoes=decide(connection, taken_back, "advert"))
    with engine.connect() as connection:
        assert experience(connection) == Experience([0, 0, 0, 1, 0, 0, 0, 0, 0, 2], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
        assert sum(experience(connection, release="2026.12.1").decided) == 2
