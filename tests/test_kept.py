from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from models.verdict import INTENTS, Decision, Intent, Kind, NpsClass, Post, Span, Status, Substance, Verdict
from training.corpus import Row
from training.evaluation.kept import judge_kept, line

SELL = frozenset({Intent.SELL})
SUBSTANCE = Substance("α-PVP", NpsClass.CATHINONES, Status.CONFIRMED)


@dataclass
class Counting:
    """A detector that remembers which posts it was asked about; it may be made to stop."""

    asked: list[str] = field(default_factory=list)
    stop_after: int | None = None

    def __call__(self, posts: Sequence[Post]) -> list[Verdict]:
        if self.stop_after is not None and len(self.asked) >= self.stop_after:
            raise KeyboardInterrupt
        self.asked += [post.id for post in posts]
        return [judge_one(post) for post in posts]


def judge_one(post: Post) -> Verdict:
    probability = 1 / (3 + len(post.text))  # no short decimal: digits lost would show
    end = post.text.index(" ")
    return Verdict(
        id=post.id,
        decision=Decision.REVIEW,
        advert_probability=probability,
        intents={intent: probability if intent == Intent.SELL else (1 - probability) / 7 for intent in INTENTS},
        spans=[Span(0, end, Kind.SUBSTANCE, post.text[:end], True, "α-PVP", NpsClass.CATHINONES, Status.CONFIRMED)],
        substances=[SUBSTANCE],
        reasons=[f"offers “{post.text[:end]}”"],
        lang=post.lang,
        warnings=["long post"],
        release="r",
        lexicon="l",
        policy="p@1",
    )


def rows_of(count: int) -> list[Row]:
    return [Row(f"id{number}", f"quixotic{number} zephyr", SELL, "s", lang="en") for number in range(count)]


def bare(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return [replace(verdict, reasons=[]) for verdict in verdicts]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "verdicts.jsonl"


def test_what_is_kept_is_not_judged_again(path: Path) -> None:
    detect, rows = Counting(), rows_of(4)
    judge_kept(detect, rows[:3], path, release="one")
    judge_kept(detect, rows, path, release="one")
    assert detect.asked == ["id0", "id1", "id2", "id3"]


def test_kept_verdicts_are_those_that_were_judged_but_for_their_reasons(path: Path) -> None:
    rows = rows_of(3)
    judged = judge_kept(Counting(), rows, path, release="one")
    assert judged == [judge_one(Post(row.id, row.text, lang="en")) for row in rows]
    kept = judge_kept(Counting(), rows, path, release="one")
    assert kept == bare(judged)
    assert [verdict.spans[0].text for verdict in kept] == ["quixotic0", "quixotic1", "quixotic2"]


def test_verdicts_come_in_the_order_of_the_rows_whatever_was_kept_first(path: Path) -> None:
    rows = rows_of(4)
    judge_kept(Counting(), [rows[3], rows[1]], path, release="one")
    assert [verdict.id for verdict in judge_kept(Counting(), rows, path, release="one")] == [row.id for row in rows]


def test_a_run_that_was_stopped_goes_on_where_it_was(path: Path) -> None:
    rows = rows_of(300)  # more than a batch
    with pytest.raises(KeyboardInterrupt):
        judge_kept(Counting(stop_after=1), rows, path, release="one")
    rest = Counting()
    verdicts = judge_kept(rest, rows, path, release="one")
    assert rest.asked == [row.id for row in rows[256:]]
    assert bare(verdicts) == bare(Counting()([Post(row.id, row.text, lang="en") for row in rows]))


@pytest.mark.parametrize(
    "change", [{"text": "quixotic0 zephyrs"}, {"lang": "de"}, {"id": "other"}], ids=["text", "language", "id"]
)
def test_a_row_that_changed_is_judged_again(path: Path, change: dict[str, str]) -> None:
    detect, (row,) = Counting(), rows_of(1)
    judge_kept(detect, [row], path, release="one")
    judge_kept(detect, [replace(row, **change)], path, release="one")  # type: ignore[arg-type]
    assert len(detect.asked) == 2


def test_a_row_whose_label_changed_is_not_judged_again(path: Path) -> None:
    detect, (row,) = Counting(), rows_of(1)
    judge_kept(detect, [row], path, release="one")
    judge_kept(detect, [replace(row, intents=frozenset({Intent.OTHER}))], path, release="one")
    assert len(detect.asked) == 1


def test_another_release_judges_anew_and_both_are_kept(path: Path) -> None:
    detect, rows = Counting(), rows_of(2)
    for release in ("one", "two", "one", "two"):
        judge_kept(detect, rows, path, release=release)
    assert detect.asked == ["id0", "id1"] * 2


@pytest.mark.parametrize("left", [1, 20, 60, 200, -2, -1])
def test_a_line_that_was_cut_off_is_judged_again_once(path: Path, left: int) -> None:
    rows = rows_of(3)
    judge_kept(Counting(), rows, path, release="one")
    *whole, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole) + last[:left])
    again, after = Counting(), Counting()
    verdicts = judge_kept(again, rows, path, release="one")
    assert again.asked == ([] if left == -1 else ["id2"])  # -1: only the end of the line is missing
    assert [verdict.id for verdict in verdicts] == ["id0", "id1", "id2"]
    judge_kept(after, [*rows, *rows_of(4)[3:]], path, release="one")
    judge_kept(after, [*rows, *rows_of(4)[3:]], path, release="one")
    assert after.asked == ["id3"]


def test_lines_can_be_cut_anywhere_because_they_hold_no_letter_of_two_bytes() -> None:
    assert line("k" * 32, judge_one(Post("a", "α-пвп zephyr"))).isascii()


def test_a_line_of_something_else_is_passed_over(path: Path) -> None:
    rows = rows_of(1)
    judge_kept(Counting(), rows, path, release="one")
    key = path.read_text(encoding="utf-8")[8:40]
    path.write_text(f'\nnonsense\n{{"id": "{key}", "decision": "maybe"}}\n', encoding="utf-8")
    detect = Counting()
    judge_kept(detect, rows, path, release="one")
    assert detect.asked == ["id0"]


def test_the_file_holds_no_words_and_no_id_of_any_post(path: Path) -> None:
    judge_kept(Counting(), rows_of(3), path, release="one")
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) == 3
    assert not any(word in text for word in ("quixotic", "zephyr", "id0", "offers"))


def test_no_rows_make_no_verdicts(path: Path) -> None:
    assert judge_kept(Counting(), [], path, release="one") == []
