"""Another calibration from decisions: it finds a known error, leaves a good curve alone, gives a release that works."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import NOW, put_case  # type: ignore[import-not-found]  # pytest finds it beside this file
from decided import decide  # type: ignore[import-not-found]
from simulated import simulate  # type: ignore[import-not-found]
from sqlalchemy import Engine, func, select
from typer.testing import CliRunner

import npsight
from models.calibration import IS_ADVERT, Calibration, log_odds, sigmoid
from models.registry import Registry
from models.release import CARD, Release, load_calibration, load_detector, open_release
from models.verdict import ADVERT_INTENTS, Post
from serving import audit
from serving.audit_check import verify
from serving.review.recalibrate import NoRecalibrationError, recalibrate, refit, told
from serving.review.successor import version_after
from serving.store.engine import writing
from serving.store.tables import AUDIT

PLAIN = Calibration(slope=1.2, intercept=-0.4, temperature=1.1, prevalence=0.5)
ADVERT = Post("a", "fresh batch landed clean gear ready 2-MMC dm for prices crypto only")
CALM = Post("b", "tomatoes grow well the library closes early coffee afterwards")


def overconfident(engine: Engine, version: str, *, flags: int = 160, passed: int = 60) -> None:
    """Decide cases of a release that is one unit of log-odds too sure, and more at the top."""
    rng = np.random.default_rng(4)
    with writing(engine) as connection:
        for number in range(flags + passed):
            stated = float(rng.uniform(0.8, 6) if number < flags else rng.uniform(-6, 0.8))
            kind = "review" if number < flags else "allow"
            weight = None if number < flags else 100.0
            case = put_case(
                connection, probability=float(sigmoid(np.array(stated))), decision=kind, weight=weight, release=version
            )
            decide(connection, case, "advert" if rng.random() < sigmoid(np.array(0.5 * stated - 1)) else "not_advert")


# --- the fit -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("slope", "shift"), [(0.7, -1.0), (1.0, -1.5), (1.3, -3.0)])
def test_a_known_slope_and_shift_are_found_again(slope: float, shift: float) -> None:
    found = [refit(simulate(seed, posts=20_000, slope=slope, shift=shift).rows, PLAIN) for seed in range(4)]
    assert np.mean([each.bend.slope for each in found]) == pytest.approx(slope, abs=0.12)
    middle = 6.0  # where flags begin: what matters is what becomes of them
    wanted = slope * middle + shift
    assert np.mean([each.bend.slope * middle + each.bend.shift for each in found]) == pytest.approx(wanted, abs=0.3)
    assert all(each.after.log_loss < each.before.log_loss and each.after.error < each.before.error for each in found)


def refusal(seed: int, audit_rate: float) -> str:
    """Say why a good calibration was left alone; nothing when it was not."""
    try:
        refit(simulate(seed, posts=20_000, audit_rate=audit_rate).rows, PLAIN)
    except NoRecalibrationError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("audit_rate", [0.05, 0.0])
def test_a_good_calibration_is_left_alone(audit_rate: float) -> None:
    refused = [refusal(seed, audit_rate) for seed in range(8)]
    assert sum("is as good as these decisions can tell" in said for said in refused) >= 7


def test_without_a_sample_only_the_shift_is_fitted_and_that_is_said() -> None:
    found = refit(simulate(1, posts=20_000, audit_rate=0, slope=0.8, shift=-0.5).rows, PLAIN)
    assert (found.bend.slope, found.sampled) == (1.0, 0)
    assert "only 0 decided cases come from the random sample" in "\n".join(told(found))
    assert "below it nothing is known" in "\n".join(told(found))


def test_copies_of_one_campaign_are_one_decision() -> None:
    alone = simulate(2, posts=5_000, audit_rate=0.2, shift=-1.5)
    copied = simulate(2, posts=25_000, copies=5, audit_rate=0.2, shift=-1.5)
    assert refit(copied.rows, PLAIN).decisions <= len(np.unique(copied.rows.case))
    assert refit(alone.rows, PLAIN).decisions == len(alone.rows)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"posts": 2_000}, r"\d+ cases were decided of this release's verdicts: wanted 200 or more"),
        ({"posts": 20_000, "reviewed_flags": 0.0, "reviewed_passed": 0.0}, "cases were decided"),
        ({"posts": 20_000, "shift": -30.0}, r"0 of \d+ decided cases are adverts: wanted 10 or more of either kind"),
        ({"posts": 20_000, "shift": 40.0}, r"(\d+) of \1 decided cases are adverts"),
    ],
)
def test_too_few_or_one_kind_is_refused(how: dict[str, Any], said: str) -> None:
    with pytest.raises(NoRecalibrationError, match=said):
        refit(simulate(1, **how).rows, PLAIN)


def test_certain_probabilities_are_fitted_too() -> None:
    rows = simulate(1, posts=20_000, shift=-1.5).rows
    rows.probability[:3] = (0.0, 1.0, 1.0)
    found = refit(rows, PLAIN)
    assert np.isfinite([found.bend.slope, found.bend.shift, found.after.log_loss]).all()


# --- the curve ---------------------------------------------------------------------------------------


def test_a_bent_curve_states_what_the_bend_says_and_keeps_the_shares_of_each_side() -> None:
    logits = np.random.default_rng(1).normal(size=(6, 8)) * 3
    before, after = (
        each.probabilities(logits, prevalence=0.003) for each in (PLAIN, PLAIN.bent(slope=0.7, shift=-1.0))
    )
    stated = np.array([log_odds(each) for each in before[:, IS_ADVERT].sum(1)])
    own = PLAIN.own_log_odds(stated, prevalence=np.full(6, 0.003))
    wanted = sigmoid(0.7 * own - 1 + log_odds(0.003) - log_odds(PLAIN.prevalence))
    assert after[:, IS_ADVERT].sum(1) == pytest.approx(wanted)
    for side in (IS_ADVERT, ~IS_ADVERT):
        one, other = (each[:, side] / each[:, side].sum(1, keepdims=True) for each in (before, after))
        assert np.allclose(one, other)


def test_an_unbent_curve_is_the_same() -> None:
    assert PLAIN.bent(slope=1.0, shift=0.0) == PLAIN


@pytest.mark.parametrize(
    ("version", "following"),
    [
        ("2026.11.2", "2026.11.2+cal1"),
        ("2026.11.2+cal1", "2026.11.2+cal2"),
        ("a+cal9", "a+cal10"),
        ("+cal1", "+cal1+cal1"),
    ],
)
def test_versions_count_up(version: str, following: str) -> None:
    assert version_after(version) == following


# --- the release -------------------------------------------------------------------------------------


def test_the_new_release_loads_judges_is_recorded_and_can_be_promoted(
    engine: Engine, tiny_release: Release, tmp_path: Path
) -> None:
    overconfident(engine, tiny_release.version)
    made, found = recalibrate(engine, tiny_release.folder, tmp_path / "new", actor="cli:test")
    assert made.version == "2026.1.1+cal1"
    assert found.bend.slope < 0.9
    old, new = load_calibration(tiny_release), load_calibration(made)
    assert new == old.bent(slope=found.bend.slope, shift=found.bend.shift)
    before, after = (load_detector(each, threads=1)([ADVERT, CALM]) for each in (tiny_release, made))
    assert [verdict.release for verdict in after] == ["2026.1.1+cal1"] * 2
    assert after[0].advert_probability < before[0].advert_probability
    adverts = sorted(ADVERT_INTENTS)
    one, other = (
        [each.intents[intent] / each.advert_probability for intent in adverts] for each in (before[0], after[0])
    )
    assert one == pytest.approx(other)
    card = made.path(CARD).read_text(encoding="utf-8")
    assert "# npsight release 2026.1.1+cal1" in card
    assert "This is release 2026.1.1 with another calibration, fitted on 220 cases" in card
    assert made.describe()["recalibrated"]["from"] == "2026.1.1"
    registry = Registry(tmp_path / "registry")
    registry.folder.mkdir()
    registry.publish(made)
    assert registry.promote(made.version).version == made.version
    with engine.connect() as connection:
        assert not verify(connection).faults
        (record,) = audit.records(connection, last=1)
    assert (record.actor, record.action, record.subject_id) == ("cli:test", "recalibrate", "2026.1.1+cal1")
    assert record.details is not None
    assert json.loads(record.details)["decisions"] == 220


def test_the_release_it_came_from_stays_as_it_was(engine: Engine, tiny_release: Release, tmp_path: Path) -> None:
    overconfident(engine, tiny_release.version)
    recalibrate(engine, tiny_release.folder, tmp_path / "new", actor="cli:test")
    assert open_release(tiny_release.folder).manifest == tiny_release.manifest
    assert set(load_calibration(tiny_release).to_json()) == {
        *("slope", "intercept", "temperature", "prevalence", "term_threshold", "words_share")
    }


@pytest.mark.parametrize("chosen", [{"policy": "strict"}, {"since": datetime(2027, 1, 1, tzinfo=UTC)}])
def test_decisions_of_other_times_policies_and_releases_do_not_count(
    engine: Engine, tiny_release: Release, tmp_path: Path, chosen: dict[str, Any]
) -> None:
    overconfident(engine, tiny_release.version)
    with pytest.raises(NoRecalibrationError, match=r"^0 cases were decided"):
        recalibrate(engine, tiny_release.folder, tmp_path / "new", actor="cli:test", **chosen)
    assert list(tmp_path.glob("*new*")) == []
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(AUDIT)) == 0


def test_a_folder_that_is_there_is_not_touched_and_nothing_is_recorded(
    engine: Engine, tiny_release: Release, tmp_path: Path
) -> None:
    overconfident(engine, tiny_release.version)
    (tmp_path / "new").mkdir()
    with pytest.raises(ValueError, match="is already there, wanted a new folder"):
        recalibrate(engine, tiny_release.folder, tmp_path / "new", actor="cli:test")
    assert list((tmp_path / "new").iterdir()) == []
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(AUDIT)) == 0


def test_the_verb_says_what_it_found_and_refuses_in_one_line(
    engine: Engine,
    database_url: str,
    tiny_release: Release,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NPSIGHT_DATABASE_URL", database_url)
    words = ["recalibrate", str(tiny_release.folder), "--out", str(tmp_path / "new"), "--policy", "default"]
    refused = CliRunner().invoke(npsight.app, words)
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "npsight: 0 cases were decided of this release's verdicts: wanted 200 or more" in refused.stderr
    overconfident(engine, tiny_release.version)
    done = CliRunner().invoke(npsight.app, [*words, "--since", f"{NOW:%Y-%m-%d}"])
    assert done.exit_code == 0, done.output
    assert "220 decided cases" in done.stdout
    assert f"written: 2026.1.1+cal1 ({tmp_path / 'new'})" in done.stdout
    assert open_release(tmp_path / "new").manifest["recalibrated"]["policy"] == "default"
