"""The release that ships, as a user meets it. Runs in the light install too: nothing here trains."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from callers import create_local_app as create_app  # type: ignore[import-not-found]  # pytest finds it beside this file
from starlette.testclient import TestClient

from models.detector import Detector
from models.release import DEFAULT_RELEASE, Release, load_detector, open_release
from models.verdict import ADVERT_INTENTS, Decision, Post, Verdict
from models.wire import verdict_to_json

DEMO = Path(__file__).parent.parent / "data_cards" / "npsight_posts" / "demo.jsonl"
MOST_MEGABYTES = 60
LEAST_CAUGHT, MOST_WRONG = 19, 1  # of 23 and 41 demo posts: measured 20 and 0; one each may turn with the processor


@pytest.fixture(scope="session")
def release() -> Release:
    return open_release(DEFAULT_RELEASE)


@pytest.fixture(scope="session")
def detect(release: Release) -> Detector:
    return load_detector(release)


@pytest.fixture(scope="session")
def demo(detect: Detector) -> list[tuple[dict[str, str], Verdict]]:
    rows = [json.loads(line) for line in DEMO.read_text(encoding="utf-8").splitlines()]
    return list(zip(rows, detect([Post(row["id"], row["text"]) for row in rows]), strict=True))


def test_it_is_whole_and_small(release: Release) -> None:
    assert sum(path.stat().st_size for path in release.folder.iterdir()) < MOST_MEGABYTES * 1_000_000


def test_scoring_and_serving_load_nothing_that_trains() -> None:
    script = (
        "import sys, serving.run, serving.batch; from models.release import *; from models.verdict import Post; "
        "load_detector(open_release(DEFAULT_RELEASE))([Post('1', 'hello')]); "
        "print([name for name in ('torch', 'transformers', 'datasets', 'sklearn') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "text",
    [
        "3-CMC and 2-MMC back in stock, 5g 60, 25g 220, tracked EU wide, btc only, write to @lantern_gravel",
        "Bromazolam bars restocked, $3 each, min order 50. DM for the menu, ships in vacuum bags",
    ],
)
def test_a_plain_offer_is_flagged_and_says_why(detect: Detector, text: str) -> None:
    verdict = detect([Post("1", text)])[0]
    assert verdict.decision == Decision.REVIEW
    assert verdict.reasons[0].startswith("offers ")
    assert verdict.substances


@pytest.mark.parametrize(
    "text",
    [
        "DRUG ALERT: pills sold as oxy in the north end test positive for nitazenes. Carry naloxone, never use alone.",
        "Customs officers seized 40 kg of 3-CMC hidden in furniture at the port on Tuesday, the ministry said.",
        "Restock! Air runners in sizes 40-45, 90 each or two for 160, dm to order, paypal ok, tracked shipping",
        "Three years clean from ketamine today. If you are where I was, the Tuesday group still has chairs.",
        "",
        "ok",
    ],
)
def test_an_innocent_post_is_left_alone(detect: Detector, text: str) -> None:
    assert detect([Post("1", text)])[0].decision == Decision.ALLOW


def test_the_shipped_policy_never_acts(demo: list[tuple[dict[str, str], Verdict]]) -> None:
    assert {verdict.decision for _, verdict in demo} <= {Decision.ALLOW, Decision.REVIEW}


def test_offsets_point_into_the_text_as_sent(demo: list[tuple[dict[str, str], Verdict]]) -> None:
    for row, verdict in demo:
        for span in verdict.spans:
            assert row["text"][span.start : span.end] == span.text


def test_the_demo_posts_are_told_apart_as_measured(demo: list[tuple[dict[str, str], Verdict]]) -> None:
    flagged = {row["id"] for row, verdict in demo if verdict.decision != Decision.ALLOW}
    adverts = {row["id"] for row, _ in demo if row["intent"] in ADVERT_INTENTS}
    assert len(flagged & adverts) >= LEAST_CAUGHT
    assert len(flagged - adverts) <= MOST_WRONG


def test_a_verdict_is_the_same_json_over_the_wire(detect: Detector, release: Release) -> None:
    post = {"id": "a1", "text": "2-MMC in stock, 5g 60 eur, dm"}
    with TestClient(create_app({"default": detect}, release.describe())) as client:
        answer = client.post("/v1/classify", json={"posts": [post]})
    assert answer.json()["verdicts"] == [verdict_to_json(detect([Post(**post)])[0]) | {"queued": True}]
