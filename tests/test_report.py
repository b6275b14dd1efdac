"""The report counts false flags on what stands for a stream, and says so."""

from __future__ import annotations

import numpy as np
import pytest

from models.verdict import ADVERT_INTENTS, INTENTS, Decision, Intent, Verdict
from training.cards import NOT_ADVERT
from training.corpus import DataError, Row
from training.evaluation.judged import Contender, Judged
from training.evaluation.report import Asked, as_stream, metrics, one_sided, stream_notes


def judged(kinds: str) -> Judged:
    """One row a letter: A advert, w written to be hard and flagged, s posted in the stream and not flagged."""
    rows = [
        Row(str(n), f"row {n}", ADVERT_INTENTS if kind == "A" else NOT_ADVERT, "s", quotable=kind == "w")
        for n, kind in enumerate(kinds)
    ]
    flags = np.array([kind != "s" for kind in kinds])
    probability = np.where(flags, 0.9, 0.001)
    verdicts = [
        Verdict(
            row.id,
            Decision.REVIEW if flag else Decision.ALLOW,
            likely,
            {intent: likely if intent == Intent.SELL else (1 - likely) / 7 for intent in INTENTS},
        )
        for row, flag, likely in zip(rows, flags.tolist(), probability.tolist(), strict=True)
    ]
    release = Contender("release", "a release", np.log(probability / (1 - probability)), flags)
    plain = Contender("baseline", "a baseline", np.arange(len(rows), dtype=np.float64), flags)
    advert = np.array([kind == "A" for kind in kinds])
    return Judged(rows, verdicts, advert, np.arange(len(rows)), (release, plain), 0.003, 0.5)


def test_what_was_written_to_be_hard_is_in_no_streams_proportion() -> None:
    both = judged("AAA" + "w" * 5 + "s" * 40)
    stream = as_stream(both)
    assert (len(stream.rows), int(stream.is_advert.sum())) == (43, 3)
    assert (
        "on the 40 posts without an advert that people posted; the 5 that were written" in stream_notes(both, stream)[0]
    )


def test_where_all_others_were_written_all_are_kept() -> None:
    written = judged("AAwww")
    assert as_stream(written) is written
    assert stream_notes(written, written) == []


def test_the_report_counts_false_flags_of_the_stream_in_use_and_all_of_them_in_slices() -> None:
    report = metrics(judged("A" * 30 + "w" * 20 + "s" * 400), Asked(prevalences=(0.1,)), fitted_prevalence=0.5)
    assert report["in_use"][0]["contenders"]["release"]["false_flag_rate"]["bound"] == "at most"
    assert report["slices"]["all"]["release"]["false_flags"]["count"] == 20
    assert report["notes"][0].startswith("in use")


def test_no_row_is_a_sentence_and_no_report() -> None:
    with pytest.raises(DataError, match="no row to measure"):
        metrics(judged(""), Asked(), fitted_prevalence=0.5)


def test_labels_that_allow_both_sides_are_left_out_and_counted() -> None:
    mixed = Row("m", "t", frozenset({Intent.SELL, Intent.USE_TALK}), "s")
    rows = [Row("a", "t", frozenset({Intent.SELL}), "s"), mixed, Row("b", "t", NOT_ADVERT, "s")]
    kept, left_out = one_sided(rows)
    assert ([row.id for row in kept], left_out) == (["a", "b"], 1)
