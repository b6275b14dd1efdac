"""What reading costs beside the bare graph: `python benchmarks/speed.py [--release FOLDER] [--out speed.json]`.

Ratios are taken in one run, the two sides in turn, because machines are shared and noisy: each figure is
the median of the rounds. The posts are the authored demo posts, repeated.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from models.normalise import normalise
from models.release import DEFAULT_RELEASE, GRAPH, TOKENIZER, load_detector, open_release
from models.verdict import Post

ROUNDS = 15
POSTS = Path(__file__).parent.parent / "data_cards" / "npsight_posts" / "demo.jsonl"
TARGETS = {"cold_start_s": 3.0, "one_post_ratio": 2.0, "batch_64_ratio": 1.3, "serve_resident_mb": 600.0}


def bare_graph(release: Path, posts: Sequence[Post]) -> Callable[[], Any]:
    """Give the least that must be done: the graph alone on ready tensors, padded as one batch, or sorted ones."""
    tokenizer = Tokenizer.from_file(str(release / TOKENIZER))
    pad = tokenizer.padding["pad_id"] if tokenizer.padding else 0
    tokenizer.no_padding()
    texts = [each.text for each in normalise([post.text for post in posts])]
    windows = [each for encoding in tokenizer.encode_batch(texts) for each in (encoding, *encoding.overflowing)]
    longest = max(len(window.ids) for window in windows)
    ids = np.full((len(windows), longest), pad, dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, window in enumerate(windows):
        ids[row, : len(window.ids)], mask[row, : len(window.ids)] = window.ids, 1
    options = onnxruntime.SessionOptions()
    session = onnxruntime.InferenceSession(str(release / GRAPH), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"input_ids": ids, "attention_mask": mask})


def in_turn(ours: Callable[[], Any], bare: Callable[[], Any], rounds: int) -> dict[str, float]:
    """Time both, one after the other, round by round; give medians in milliseconds and the median ratio."""
    times: list[tuple[float, float]] = []
    for _ in range(rounds + 2):
        began = time.perf_counter()
        ours()
        middle = time.perf_counter()
        bare()
        times.append((middle - began, time.perf_counter() - middle))
    kept = times[2:]  # the first two warm both up
    return {
        "ours_ms": 1000 * statistics.median(one for one, _ in kept),
        "bare_ms": 1000 * statistics.median(other for _, other in kept),
        "ratio": statistics.median(one / other for one, other in kept),
    }


def cold_start(release: Path) -> float:
    """Time a new process from its start to its first verdict, in seconds."""
    script = (
        "from pathlib import Path; from models.release import load_detector, open_release; "
        "from models.verdict import Post; import sys; "
        "load_detector(open_release(Path(sys.argv[1])))([Post('1', 'fresh batch in, dm for the menu')])"
    )
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", script, str(release)], check=True)
    return time.perf_counter() - began


def serve_resident(release: Path, posts: Sequence[Post]) -> float:
    """Serve, classify 50 full batches, and read the resident memory of the process in MB (Linux)."""
    port = 18231
    command = [sys.executable, "-m", "npsight", "serve", "--port", str(port), "--release", str(release)]
    store = tempfile.TemporaryDirectory()  # without keys, whatever this user's own store has
    env = os.environ | {"NPSIGHT_DATABASE_URL": f"sqlite:///{store.name}/npsight.db"}
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    try:
        wait_ready(port)
        body = {"posts": [{"id": post.id, "text": post.text} for post in posts]}
        for _ in range(50):
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/v1/classify",
                json.dumps(body).encode(),
                {"Content-Type": "application/json"},
            )
            urllib.request.urlopen(request).read()
        lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024
    finally:
        server.terminate()
        server.wait()
        store.cleanup()


def wait_ready(port: int, seconds: float = 60) -> None:
    """Wait until the service answers that it is ready."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").read()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"not ready after {seconds} s")


def measure(release: Path) -> dict[str, Any]:
    """Take all figures."""
    rows = [json.loads(line) for line in POSTS.read_text(encoding="utf-8").splitlines()]
    posts = [Post(row["id"], row["text"]) for row in rows]
    batch = [Post(f"{each.id}-{turn}", each.text) for turn in range(2) for each in posts][:64]
    detect = load_detector(open_release(release))
    one = in_turn(lambda: detect(posts[:1]), bare_graph(release, posts[:1]), ROUNDS * 4)
    many = in_turn(lambda: detect(batch), bare_graph(release, batch), ROUNDS)
    return {
        "cores": os.cpu_count(),
        "one_post": one,
        "batch_64": many | {"posts_per_s": 64_000 / many["ours_ms"]},
        "cold_start_s": statistics.median(cold_start(release) for _ in range(5)),
        "serve_resident_mb": serve_resident(release, batch),
    }


def main() -> None:
    """Measure and print, each target beside its figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", type=Path, default=DEFAULT_RELEASE)
    parser.add_argument("--out", type=Path)
    words = parser.parse_args()
    figures = measure(words.release)
    found = {
        "cold_start_s": figures["cold_start_s"],
        "one_post_ratio": figures["one_post"]["ratio"],
        "batch_64_ratio": figures["batch_64"]["ratio"],
        "serve_resident_mb": figures["serve_resident_mb"],
    }
    for name, target in TARGETS.items():
        print(f"{name:18} {found[name]:8.2f}  target {target:6.1f}  {'met' if found[name] <= target else 'MISSED'}")
    print(json.dumps(figures, indent=2))
    if words.out:
        words.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
