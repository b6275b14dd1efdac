"""What a report costs beside scoring: `python benchmarks/report.py [--rows 100000]`.

Every section that needs only judged rows, with 1,000 bootstrap rounds, on invented verdicts with the spread of real
ones: three contenders, forty sources, eleven languages, near copies. Scoring the same rows is set beside it at the
speed that the shipped release reads the demo posts in the same run.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.release import DEFAULT_RELEASE, load_detector, open_release
from models.verdict import ADVERT_INTENTS, INTENTS, LANGUAGES, Decision, Intent, Kind, Post, Span, Verdict
from training.cards import NOT_ADVERT
from training.corpus import Row
from training.evaluation.judged import Contender, Judged, lexicon_contender, release_contender
from training.evaluation.report import Asked, metrics

POSTS = Path(__file__).parent.parent / "data_cards" / "npsight_posts" / "demo.jsonl"
TARGET = 20.0  # seconds for 100,000 rows on two cores


def demo_posts() -> list[Post]:
    lines = POSTS.read_text(encoding="utf-8").splitlines()
    return [Post(row["id"], row["text"]) for row in map(json.loads, lines)]


def invented(count: int, texts: Sequence[str], rng: np.random.Generator) -> Judged:
    """Invent judged rows: one in twenty an advert, one in three in a group with others."""
    adverts = rng.random(count) < 0.05
    log_odds = np.where(adverts, rng.normal(1, 3, count), rng.normal(-9, 2.5, count))
    rows, verdicts = [], []
    for number in range(count):
        text = texts[number % len(texts)]
        labels = ADVERT_INTENTS if adverts[number] else NOT_ADVERT
        source = f"source{rng.integers(40)}"
        rows.append(Row(str(number), text, labels, source, lang=LANGUAGES[rng.integers(len(LANGUAGES))]))
        verdicts.append(verdict(str(number), float(1 / (1 + np.exp(-log_odds[number]))), text, rng))
    plain = log_odds + rng.normal(0, 2, count)
    contenders = (
        release_contender("release", "invented", verdicts),
        Contender("baseline", "invented, noisier", plain, plain > 0.5),
        lexicon_contender(verdicts),
    )
    groups = np.where(rng.random(count) < 0.33, rng.integers(0, count // 10, count), count + np.arange(count))
    return Judged(rows, verdicts, adverts, groups.astype(np.int64), contenders, 0.003, 0.7)


def verdict(id_: str, probability: float, text: str, rng: np.random.Generator) -> Verdict:
    rest = (1 - probability) / (len(INTENTS) - 1)
    intents = {intent: probability if intent == Intent.SELL else rest for intent in INTENTS}
    kinds = (Kind.SLANG, Kind.PRICE, Kind.CONTACT, Kind.QUANTITY)
    spans = [Span(0, 3, kind, text[:3], source="lexicon") for kind in kinds if rng.random() < 0.2]
    return Verdict(id_, Decision.REVIEW if probability > 0.7 else Decision.ALLOW, probability, intents, spans)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    count = parser.parse_args().rows
    posts = demo_posts()
    detect = load_detector(open_release(DEFAULT_RELEASE))
    detect(posts)
    began = time.perf_counter()
    for _ in range(4):
        detect(posts)
    scoring = (time.perf_counter() - began) / (4 * len(posts)) * count
    judged = invented(count, [post.text for post in posts], np.random.default_rng(7))
    began = time.perf_counter()
    report = metrics(judged, Asked(posts_per_day=1e6), fitted_prevalence=0.5)
    took = time.perf_counter() - began
    print(f"{len(report['slices'])} slices, {report['groups']:,} groups, {count:,} rows")
    print(f"report  {took:8.1f} s  target {TARGET:6.1f}  {'met' if took <= TARGET else 'MISSED'}")
    print(f"scoring {scoring:8.1f} s  the report costs {took / scoring:.1%} of it")


if __name__ == "__main__":
    main()
