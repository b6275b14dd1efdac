"""What is counted and told; how long it took is nobody's business here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from models.release import Release
from models.verdict import INTENTS, Decision, Post, Verdict
from training.evaluation.cost import cost, spread


@dataclass
class Counting:
    """A detector that allows everything and remembers the size of every call."""

    calls: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __call__(self, posts: Sequence[Post]) -> list[Verdict]:
        self.calls.append(len(posts))
        self.texts += [post.text for post in posts]
        return [Verdict(post.id, Decision.ALLOW, 0.0, dict.fromkeys(INTENTS, 0.125)) for post in posts]


def posts_of(count: int) -> list[Post]:
    return [Post(str(number), "word " * (number % 9 + 1)) for number in range(count)]


@pytest.fixture
def release(tmp_path: Path) -> Release:
    for name, size in (("model.onnx", 1_500_000), ("lexicon.tsv", 500_000), ("README.md", 9_000_000)):
        (tmp_path / name).write_bytes(bytes(size))
    return Release(tmp_path, {"version": "1", "files": {"model.onnx": {}, "lexicon.tsv": {}}})


def test_every_batch_size_is_timed_and_the_largest_is_the_headline(release: Release) -> None:
    found = cost(Counting(), posts_of(300), release=release)
    assert [each["size"] for each in found["batch"]] == [1, 4, 16, 64, 256]
    assert [each["posts"] for each in found["batch"]] == [48, 48, 48, 64, 256]
    assert found["posts_per_second"] == found["batch"][-1]["posts_per_second"]
    assert all(each["posts_per_second"] > 0 for each in found["batch"])


def test_the_headline_is_that_of_the_largest_size_in_whatever_order_they_are_given(release: Release) -> None:
    found = cost(Counting(), posts_of(100), release=release, sizes=(32, 2))
    assert found["posts_per_second"] == found["batch"][0]["posts_per_second"]


def test_the_calls_are_a_warm_up_then_single_posts_then_batches_in_turn(release: Release) -> None:
    detect = Counting()
    cost(detect, posts_of(60), release=release, sizes=(16, 60))
    assert detect.calls == [16] + [1] * 60 + [16, 16, 16, 60] * 3


def test_no_more_posts_are_judged_than_promised(release: Release) -> None:
    detect = Counting()
    found = cost(detect, posts_of(3000), release=release)
    assert (found["posts"], found["latency_posts"]) == (512, 200)
    assert sum(detect.calls) == 16 + 200 + 3 * (48 + 48 + 48 + 64 + 256)


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (5, [1, 4]), (20, [1, 4, 16])])
def test_sizes_that_there_are_no_posts_for_are_left_out(release: Release, count: int, sizes: list[int]) -> None:
    found = cost(Counting(), posts_of(count), release=release)
    assert [each["size"] for each in found["batch"]] == sizes
    assert found["posts"] == found["latency_posts"] == count


def test_few_posts_are_one_batch_where_every_size_wanted_is_larger(release: Release) -> None:
    assert [each["size"] for each in cost(Counting(), posts_of(7), release=release, sizes=(64,))["batch"]] == [7]


def test_without_posts_there_is_no_figure_but_the_reason(release: Release) -> None:
    assert cost(Counting(), [], release=release) == {"why": "no post to time"}


def test_latency_is_told_in_order(release: Release) -> None:
    latency = cost(Counting(), posts_of(50), release=release, sizes=(1,))["latency_ms"]
    assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"]


def test_the_release_weighs_what_its_manifest_lists(release: Release) -> None:
    found = cost(Counting(), posts_of(9), release=release, sizes=(1,))
    assert found["release_mb"] == 2.0
    assert found["median_words"] == 5.0
    assert found["memory_mb"] > 1
    assert "this process" in found["memory_of"]


def test_a_seed_draws_the_same_posts_again_and_another_seed_others(release: Release) -> None:
    posts = [Post(str(number), f"word {number}") for number in range(2000)]
    drawn = []
    for seed in (7, 7, 8):
        detect = Counting()
        cost(detect, posts, release=release, sizes=(4,), seed=seed)
        drawn.append(detect.texts)
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    ("count", "lengths"), [(2, {2, 5}), (1, {4}), (6, {1, 2, 3, 4, 5, 6}), (9, {1, 2, 3, 4, 5, 6})]
)
def test_a_small_sample_holds_posts_of_every_length_in_their_order(count: int, lengths: set[int]) -> None:
    posts = [Post(str(number), "x" * length) for number, length in enumerate((4, 1, 6, 2, 5, 3))]
    found = spread(posts, count)
    assert {len(post.text) for post in found} == lengths
    assert [post.id for post in found] == sorted(post.id for post in found)
