from __future__ import annotations

from pathlib import Path

import pytest

from training.evaluation.limits import MEASURES, Limits, load_limits


def write(folder: Path, text: str) -> Path:
    path = folder / "limits.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_default_limits_guard_every_measure_and_tolerate_nothing() -> None:
    limits = load_limits()
    assert tuple(limits.guarded) == MEASURES
    assert {share for table in limits.guarded.values() for share in table.values()} == {0.0}


def test_a_file_replaces_the_keys_and_tables_that_it_names(tmp_path: Path) -> None:
    limits = load_limits(write(tmp_path, 'confidence = 0.99\n[guarded.recall]\n"lang:ru" = 0.1\n[guarded.attacks]\n'))
    default = load_limits()
    assert (limits.confidence, limits.least_rows) == (0.99, default.least_rows)
    assert limits.guarded["recall"] == {"lang:ru": 0.1}
    assert limits.guarded["attacks"] == {}
    assert limits.guarded["suite"] == default.guarded["suite"]


def test_the_first_pattern_that_fits_says_what_is_tolerated() -> None:
    limits = Limits(0.95, False, 20, {"recall": {"lang:ru": 0.1, "lang:*": 0.0}})
    assert limits.tolerance("recall", "lang:ru", 20) == 0.1
    assert limits.tolerance("recall", "lang:de", 20) == 0.0
    assert limits.tolerance("recall", "source:x", 20) is None
    assert limits.tolerance("false_flags", "lang:de", 20) is None
    assert limits.tolerance("recall", "lang:de", 19) is None


def test_the_chance_of_a_false_alarm_is_shared_only_where_asked() -> None:
    assert Limits(0.95, False, 20).shared_among(100).confidence == 0.95
    assert Limits(0.95, True, 20).shared_among(100).confidence == pytest.approx(0.9995)
    assert Limits(0.95, True, 20).shared_among(0).confidence == 0.95


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("confidence = ", "not TOML"),
        ("certainty = 0.9", "unknown key 'certainty', wanted one of confidence, together, least_rows, guarded"),
        ("confidence = '95 %'", "confidence is '95 %', wanted a number"),
        ("confidence = 95", "confidence is 95, wanted a share between 0.5 and 1"),
        ("least_rows = 0.5", "least_rows is 0.5, wanted a whole number"),
        ("least_rows = 0", "least_rows is 0, wanted 1 or more"),
        ("together = 1", "together is 1, wanted true or false"),
        ("guarded = 1", "guarded is 1, wanted a table"),
        ("[guarded.recal]", "unknown key 'recal', wanted one of recall, false_flags"),
        ("[guarded]\nrecall = 0.0", "recall is 0.0, wanted a table of pattern = share"),
        ("[guarded.recall]\nall = true", "wanted a table of pattern = share"),
        ("[guarded.recall]\nall = -0.1", "guarded.recall: 'all' is -0.1, wanted a share from 0 to below 1"),
    ],
)
def test_limits_that_say_nothing_sensible_are_refused_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=r"limits\.toml") as refused:
        load_limits(path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
