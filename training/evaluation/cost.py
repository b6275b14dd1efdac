"""What a detector costs to run here: posts a second, time to an answer, memory, size."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import psutil

from models.release import Release
from models.verdict import Detect, Post

MOST = 512  # posts drawn
SINGLE = 200  # posts timed one by one: the 99th percentile stands on the two slowest
FEWEST = 48  # posts in one timing of a small batch
REPEATS = 3  # the median of them is told


def cost(
    detect: Detect,
    posts: Sequence[Post],
    *,
    release: Release,
    sizes: Sequence[int] = (1, 4, 16, 64, 256),
    seed: int = 7,
) -> dict[str, Any]:
    """Time a detector on posts drawn by the seed; sizes beyond what there are posts for are left out.

    About 1,600 posts are judged in all. Sizes take turns, so that a busy moment of the machine falls on each of them.
    """
    if not posts:
        return {"why": "no post to time"}
    order = np.random.default_rng(seed).permutation(len(posts))[:MOST].tolist()
    drawn = [posts[place] for place in order]
    detect(drawn[:16])  # the first call also loads word lists and warms the graph up
    single = [seconds(detect, [post], 1) for post in spread(drawn, SINGLE)]
    batch = throughput(detect, drawn, [size for size in sizes if size <= len(drawn)] or [len(drawn)])
    return {
        "posts": len(drawn),
        "median_words": float(np.median([len(post.text.split()) for post in drawn])),
        "posts_per_second": max(batch, key=lambda each: each["size"])["posts_per_second"],
        "batch": batch,
        "latency_ms": {f"p{part}": 1000 * float(np.percentile(single, part)) for part in (50, 95, 99)},
        "latency_posts": len(single),
        "memory_mb": psutil.Process().memory_info().rss / 1e6,
        "memory_of": "this process, which also holds the rows",
        "release_mb": sum(release.path(name).stat().st_size for name in release.manifest["files"]) / 1e6,
        "cores": os.cpu_count(),
    }


def throughput(detect: Detect, posts: Sequence[Post], sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Give the posts a second at each batch size, from the median of a few timings."""
    samples = {size: spread(posts, max(size, FEWEST)) for size in sizes}
    taken: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(REPEATS):
        for size, sample in samples.items():
            taken[size].append(seconds(detect, sample, size))
    return [
        {"size": size, "posts": len(samples[size]), "posts_per_second": len(samples[size]) / float(np.median(each))}
        for size, each in taken.items()
    ]


def spread(posts: Sequence[Post], count: int) -> list[Post]:
    """Take some posts of every length, in their order: samples of different counts then read alike."""
    by_length = np.argsort([len(post.text) for post in posts], kind="stable")
    middles = (np.arange(min(count, len(posts))) + 0.5) * len(posts) / min(count, len(posts))
    return [posts[place] for place in np.sort(by_length[middles.astype(int)]).tolist()]


def seconds(detect: Detect, posts: Sequence[Post], size: int) -> float:
    """Time one pass over posts in batches of a size."""
    began = time.perf_counter()
    for start in range(0, len(posts), size):
        detect(posts[start : start + size])
    return time.perf_counter() - began
