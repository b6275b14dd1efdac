"""The console's pages for admins: terms, releases and policies, without a network and with the shipped report."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from callers import from_here  # type: ignore[import-not-found]  # pytest finds it beside this file
from sqlalchemy import Engine
from starlette.testclient import TestClient

from models.calibration import Calibration
from models.detector import Detector
from models.lexicon import Lexicon, Term
from models.policy import load_policy
from models.registry import Registry
from models.release import DEFAULT_RELEASE, MANIFEST, POLICY
from models.scorer import Reading, Scorer
from models.verdict import NpsClass, Status
from serving.app import create_app
from serving.audit import records
from serving.console.release_figures import figures
from serving.console.thresholds import Point, cost, curve_of
from serving.keyring import Keyring
from serving.settings import Settings
from serving.store.engine import writing

HOSTILE = "<script>alert(1)</script>\u202e\"'"
BANDS = {f"{intent}-review": "0.7" for intent in ("sell", "recruit", "promote")}
POLICY_FORM = {"prevalence": "0.3", "version": "1", **BANDS}


class Fixed:
    """A scorer that finds the same in every text."""

    def read(self, texts: Sequence[str]) -> list[Reading]:
        none = np.zeros((0, 2), dtype=np.int64)
        return [Reading(np.zeros(8), none, np.zeros(0), 0.0, 1) for _ in texts]


@dataclass(frozen=True, slots=True)
class Console:
    """The console of a service on this machine, and the folders that it changes."""

    client: TestClient
    folder: Path

    def get(self, path: str) -> Any:
        return self.client.get(f"/console/{path}")

    def post(self, path: str, **form: str) -> Any:
        found = re.search(r'name="token" value="(\w+)"', self.get("lexicon").text)
        assert found
        return self.client.post(f"/console/{path}", data={"token": found[1], **form})


def make_registry(folder: Path) -> Registry:
    """Lay out the shipped release twice by links; the newer one is not live."""
    for version in ("2026.1.1", "2026.1.2"):
        (folder / version).mkdir(parents=True)
        for path in DEFAULT_RELEASE.iterdir():
            if path.is_file() and path.name != MANIFEST:
                (folder / version / path.name).symlink_to(path.resolve())
        manifest = json.loads((DEFAULT_RELEASE / MANIFEST).read_text(encoding="utf-8")) | {"version": version}
        (folder / version / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "live.json").write_text('["2026.1.1"]', encoding="utf-8")
    return Registry(folder)


@pytest.fixture
def console(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    monkeypatch.setattr("serving.app.Keyring", partial(Keyring, held_seconds=0))
    monkeypatch.setattr("serving.keyring.WAIT_SECONDS", 60)  # no test waits for a store that is away
    (tmp_path / "policies").mkdir()
    make_registry(tmp_path / "registry")
    terms = [
        Term(f"word{at}", f"sub{at}", NpsClass.CATHINONES, status=Status.CONFIRMED, source="x") for at in range(70)
    ]
    terms.append(Term(HOSTILE, HOSTILE, NpsClass.OPIOIDS, status=Status.AMBIGUOUS, source=HOSTILE))
    calibration = Calibration(slope=1, intercept=0, temperature=1, prevalence=0.5)
    policy = load_policy(DEFAULT_RELEASE / POLICY)
    detector = Detector(cast(Scorer, Fixed()), Lexicon(terms), calibration, policy, "2026.1.1")
    told = {"version": "2026.1.1", "lexicon": detector.lexicon.version, "policies": {"default": policy.label}}
    settings = Settings(
        registry=tmp_path / "registry",
        policies=tmp_path / "policies",
        terms=tmp_path / "terms.tsv",
        deadline_seconds=60,
    )
    app = create_app({"default": detector}, told, settings, engine=engine)
    with TestClient(from_here(app), base_url="http://localhost:8000", follow_redirects=False) as client:
        yield Console(client, tmp_path)


def actions(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        return [(record.actor, record.action) for record in records(connection)]


def test_terms_are_found_in_pages_of_fifty(console: Console) -> None:
    assert console.get("lexicon").text.count('<th scope="row">') == 50
    assert console.get("lexicon?page=2").text.count('<th scope="row">') == 21
    assert console.get("lexicon?page=99999999").status_code == 200
    assert console.get("lexicon?q=word1&status=confirmed&class=cathinones").text.count('<th scope="row">') == 11
    assert "No term fits" in console.get("lexicon?q=%27%20OR%201=1&lang=<b>").text


def test_a_term_is_inert_wherever_it_stands(console: Console) -> None:
    for path in ("lexicon?class=opioids", "lexicon?q=%3Cscript%3Ealert(1)%3C/script%3E"):
        page = console.get(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_a_term_is_added_retired_and_recorded(console: Console, engine: Engine) -> None:
    word = {"surface": "blue zebra", "substance": "2-MMC", "nps_class": "cathinones"}
    added = console.post("lexicon/add", **word, kind="slang", lang="en", ambiguity="low")
    assert added.headers["location"] == "/console/lexicon?q=blue+zebra&done=added"
    page = console.get("lexicon?q=blue+zebra&done=added").text
    assert "Added. Every worker" in page
    assert "follows within seconds" in page
    assert console.post("lexicon/retire", surface="goat weed").status_code == 303
    assert "goat weed" in (console.folder / "terms.tsv").read_text(encoding="utf-8")
    assert actions(engine) == [("local", "add_term"), ("local", "retire_term")]


@pytest.mark.parametrize(
    "changed",
    [
        {"surface": ""},
        {"surface": "two\nlines"},
        {"surface": "x" * 201},
        {"substance": " "},
        {"nps_class": "none"},
        {"lang": "xx"},
        {"kind": "'"},
        {"ambiguity": "?"},
    ],
)
def test_a_term_that_is_none_is_refused_and_kept_in_the_form(console: Console, changed: dict[str, str]) -> None:
    word = {"surface": "zorple", "substance": "2-MMC", "nps_class": "cathinones", "kind": "slang", "lang": "en"}
    answer = console.post("lexicon/add", **(word | {"ambiguity": "low"} | changed))
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert not (console.folder / "terms.tsv").exists()


def test_words_of_a_query_are_never_taken_for_ours(console: Console) -> None:
    page = console.get("lexicon?done=<b>you+won</b>&recorded=no").text
    assert "you won" not in page
    assert "could not record" not in page


def test_a_promotion_wants_the_version_twice(console: Console, engine: Engine) -> None:
    registry = Registry(console.folder / "registry")
    assert console.post("releases/promote", version="2026.1.2", typed="2026.1.1").status_code == 422
    assert registry.history() == ["2026.1.1"]
    assert console.post("releases/promote", version="2026.1.2", typed="2026.1.2").status_code == 303
    assert registry.history() == ["2026.1.1", "2026.1.2"]
    assert "this worker still judges by" in console.get("releases").text
    assert console.post("releases/roll-back", version="2026.1.2", typed="2026.1.2").status_code == 409
    assert console.post("releases/roll-back", version="2026.1.1", typed="2026.1.1").status_code == 303
    assert registry.history() == ["2026.1.1"]
    assert actions(engine) == [("local", "promote"), ("local", "roll_back")]


@pytest.mark.parametrize("version", ["..", "../registry", "9.9.9", "", HOSTILE, "2026.1.2/../2026.1.1"])
def test_what_is_no_version_is_not_there(console: Console, version: str) -> None:
    assert console.post("releases/promote", version=version, typed=version).status_code == 404
    assert console.client.get("/console/releases/promote", params={"version": version}).status_code == 404


def test_a_policy_is_written_one_version_higher_and_an_older_form_refused(console: Console) -> None:
    assert "Write version 2" in console.get("releases/policies/default").text
    form = POLICY_FORM | {
        "sell-review": "0,6",
        "countries-0": "nl, de",
        "nps_classes-0": "cathinones",
        "why-0": HOSTILE,
    }
    assert console.post("releases/policies/default", **form).status_code == 303
    written = load_policy(console.folder / "policies" / "default.json")
    assert (written.version, written.prevalence, written.bands["sell"].review) == (2, 0.003, 0.6)  # type: ignore[index]
    assert written.carve_outs[0].countries == {"NL", "DE"}
    assert console.post("releases/policies/default", **form).status_code == 409
    page = console.get("releases/policies/default").text
    assert "Write version 3" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    "changed",
    [
        {"sell-review": "7"},
        {"sell-review": "nan"},
        {"sell-act": "0.1"},
        {"sell-review": "x"},
        {"prevalence": "0"},
        {"prevalence": ""},
        {"version": "x"},
        {"countries-0": "NL", "nps_classes-0": "no such class"},
        {"countries-0": "NL", "at_most-0": "<b>"},
    ],
)
def test_a_policy_that_is_none_is_refused(console: Console, changed: dict[str, str]) -> None:
    answer = console.post("releases/policies/default", **(POLICY_FORM | changed))
    assert answer.status_code == 422
    assert list((console.folder / "policies").iterdir()) == []


def test_a_new_policy_is_named_once_and_can_be_withdrawn(console: Console) -> None:
    form = POLICY_FORM | {"version": "0"}
    for name in ("../x", "", "a/b", "default", "new", ".hidden", HOSTILE):
        assert console.post("releases/policies/new", name=name, **form).status_code == 422
    assert console.post("releases/policies/new", name="strict", **form).status_code == 303
    assert [path.name for path in (console.folder / "policies").iterdir()] == ["strict.json"]
    assert console.post("releases/policies/strict/withdraw").status_code == 303
    assert list((console.folder / "policies").iterdir()) == []


def test_a_trial_shows_what_the_parts_are_worth(console: Console) -> None:
    answer = console.post("try", text="fresh w0rd1 10g dm me", written="yes", without="0-5")
    assert answer.status_code == 200
    assert "Without what you left out" in answer.text
    assert "Read as written" in answer.text


def test_the_pages_of_releases_show_the_report(console: Console) -> None:
    assert "Floors:" in console.get("releases/versions/2026.1.1").text
    page = console.get("releases?prevalence=1&posts=1000000").text
    assert "1,000,000 posts a day, 1 % of them adverts" in page
    bands = load_policy(DEFAULT_RELEASE / POLICY).bands
    assert all(f"{band.review} ({intent})" in page for intent, band in bands.items())  # each has a threshold of its own
    assert console.get("releases?prevalence=nan&posts=-1").status_code == 200


def test_what_the_policy_finds_lies_between_its_lowest_and_its_highest_threshold_for_all() -> None:
    shipped = figures(DEFAULT_RELEASE)
    assert shipped
    assert shipped.curve
    highest = max(band.review or 0 for band in load_policy(DEFAULT_RELEASE / POLICY).bands.values())
    (lowest,) = [each for each in shipped.curve.points if each.threshold == shipped.threshold]
    above = next(each for each in shipped.curve.points if each.threshold >= highest)
    recall, false_flags = shipped.stream.recall.value, shipped.stream.false_flags.value
    assert recall
    assert false_flags
    assert above.recall - 0.02 < recall < lowest.recall + 0.02
    assert 0.9 * above.false_flags < false_flags < 1.1 * lowest.false_flags


def test_a_cost_counts_a_day() -> None:
    day = cost(Point(0.7, recall=0.8, false_flags=0.001), prevalence=0.01, posts=100_000)
    assert (day.reviews, day.wrong, day.caught, day.missed) == pytest.approx((899, 99, 800, 200))
    assert cost(Point(0.9, 0, 0), prevalence=0.01, posts=10).precision is None


def test_a_report_without_curves_has_none(tmp_path: Path) -> None:
    assert curve_of({"policy": {"threshold": 0.5, "prevalence": 0.1}}) is None
    (tmp_path / "report.json").write_text("[]", encoding="utf-8")
    assert figures(tmp_path) is None


def test_nothing_can_be_changed_that_was_not_set(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.keyring.WAIT_SECONDS", 60)
    detector = Detector(
        cast(Scorer, Fixed()), Lexicon([]), Calibration(1, 0, 1, 0.5), load_policy(DEFAULT_RELEASE / POLICY), "1"
    )
    app = create_app({"default": detector}, {"version": "1"}, Settings(), engine=engine)
    with TestClient(from_here(app), base_url="http://localhost:8000", follow_redirects=False) as client:
        console = Console(client, Path())
        assert "NPSIGHT_TERMS" in console.get("lexicon").text
        page = console.get("releases").text
        assert "NPSIGHT_REGISTRY" in page
        assert "NPSIGHT_POLICIES" in page
        assert console.post("lexicon/add", surface="x", substance="y").status_code == 422
        assert console.post("releases/policies/default", **POLICY_FORM).status_code == 422


def test_without_the_store_nothing_is_changed(console: Console, engine: Engine) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("ALTER TABLE audit RENAME TO gone")
    assert console.post("lexicon/retire", surface="zorple").status_code == 503
    assert not (console.folder / "terms.tsv").exists()
