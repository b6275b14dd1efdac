"""Near-duplicate groups: one meaning of "the same text again" for splits, campaigns and caches.

MinHash over character shingles; listings that differ only in numbers and contacts are one text. Not for paraphrase.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import regex

from models.normalise import normalise

Hashes = npt.NDArray[np.uint64]
Sketch = npt.NDArray[np.uint32]

SHINGLE = 5  # characters: long enough to be rare, short enough to survive one changed word
SHORT = 12  # characters: shorter texts share shingles by chance, so they must be equal
ROWS = 4  # permutations a band: two texts at 0.7 meet in one of the bands with probability 0.99, at 0.3 with 0.12
BANDS = 16
PERMUTATIONS = ROWS * BANDS
THRESHOLD = 0.7  # common shingles from which on two texts are one; see ROWS
CHUNK = 8192  # posts hashed at once, which keeps the shingle arrays near 10 MB each
SKETCH_BYTES = 4_000_000
MEMBERS = 3  # copies that a sketch keeps of one group, since the ends of a chain can be far apart

_CONTACTS = regex.compile(r"(?:https?://|www\.)\S+|\S+@\S+|@\w+|<[a-z_]+>")
_NUMBERS = regex.compile(r"\d+(?:[ .,:]\d+)*")
_GAPS = regex.compile(r"[\s!-/:-@\[-`{-~]+")
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def signature(texts: Sequence[str]) -> Hashes:
    """Hash each text, (posts, permutations): the share of equal columns estimates the share of common shingles.

    The same on every machine and in every run. An empty text has the largest hash in every column.
    """
    signatures = np.full((len(texts), PERMUTATIONS), np.iinfo(np.uint64).max, np.uint64)
    keys = [_key(read.text) for read in normalise(texts)]
    for start in range(0, len(keys), CHUNK):
        chunk = keys[start : start + CHUNK]
        filled = [start + at for at, key in enumerate(chunk) if key]
        hashes, firsts = _shingles([key for key in chunk if key])
        for column, (factor, shift) in enumerate(zip(*_permutations(), strict=True)):
            if filled:
                signatures[filled, column] = np.minimum.reduceat(hashes * factor + shift, firsts)
    return signatures


def bands(signatures: Hashes) -> Hashes:
    """Fold the rows of each band into one hash, (posts, bands): near copies meet in one of them."""
    keys = np.zeros((len(signatures), BANDS), np.uint64)
    for row in range(ROWS):
        keys = _mix(keys * _GOLDEN + signatures[:, row::ROWS])
    return keys


def similarity(signatures: Hashes, one: Hashes) -> npt.NDArray[np.float64]:
    """Give the share of columns in which each signature equals one, (posts,)."""
    share: npt.NDArray[np.float64] = (signatures == one).mean(axis=1)
    return share


def empty(signatures: Hashes) -> npt.NDArray[np.bool_]:
    """Say which signatures are those of texts without anything to compare, (posts,)."""
    nothing: npt.NDArray[np.bool_] = (signatures == np.iinfo(np.uint64).max).all(axis=1)
    return nothing


def groups(texts: Sequence[str], *, threshold: float = THRESHOLD) -> npt.NDArray[np.int64]:
    """Give near copies the same id, (posts,). Ids count up in order of first appearance; empty texts stay alone."""
    signatures = signature(texts)
    parents = np.arange(len(texts))
    for pairs in _candidates(bands(signatures)):
        close = (signatures[pairs[:, 0]] == signatures[pairs[:, 1]]).mean(axis=1) >= threshold
        for one, other in pairs[close & ~empty(signatures)[pairs[:, 0]]]:
            low, high = sorted((_root(parents, one), _root(parents, other)))
            parents[high] = low
    return np.unique([_root(parents, at) for at in range(len(texts))], return_inverse=True)[1].astype(np.int64)


def sketch(texts: Sequence[str]) -> Sketch:
    """Keep hashes of the groups of these texts, (copies, bands): enough for `seen`, nothing of the text.

    Holds 4 MB at most: 62,500 groups with all bands; beyond that half the bands are left out, beyond 125,000 the rest.
    """
    ids = groups(texts)
    order = np.argsort(ids, kind="stable")
    rank = np.arange(len(ids)) - np.searchsorted(ids[order], ids[order])
    room = SKETCH_BYTES // (4 * BANDS)
    members = max(1, min(MEMBERS, room // (int(ids.max(initial=0)) + 1)))
    signatures = signature([texts[at] for at in np.sort(order[rank < members])])
    kept = np.unique(_pack(signatures[~empty(signatures)]), axis=0)
    return kept[: 2 * room] if len(kept) <= room else np.ascontiguousarray(kept[: 2 * room, : BANDS // 2])


def seen(texts: Sequence[str], sketch: Sketch, *, threshold: float = THRESHOLD) -> npt.NDArray[np.bool_]:
    """Say of each text whether it, or a near copy, went into the sketch, (posts,)."""
    signatures = signature(texts)
    packed = _pack(signatures)[:, : sketch.shape[1]]
    found = np.zeros(len(texts), bool)
    for band in range(sketch.shape[1]):
        order = np.argsort(sketch[:, band], kind="stable")
        first = np.searchsorted(sketch[order, band], packed[:, band])
        last = np.searchsorted(sketch[order, band], packed[:, band], side="right")
        for step in range(int((last - first).max(initial=0))):
            posts = np.flatnonzero((first + step < last) & ~found)
            rows = sketch[order[first[posts] + step]]
            same = packed[posts].view(np.uint8) == rows.view(np.uint8)
            found[posts] = same.mean(axis=1) >= threshold
    return found & ~empty(signatures)


def save(sketch: Sketch, path: Path) -> None:
    """Write a sketch as one `.npy` file."""
    np.save(path, sketch, allow_pickle=False)


def load(path: Path) -> Sketch:
    """Read a sketch; raises `ValueError` if the file holds something else."""
    loaded = np.load(path, allow_pickle=False)
    if loaded.dtype != np.uint32 or loaded.ndim != 2 or loaded.shape[1] not in (BANDS, BANDS // 2):
        raise ValueError(f"{path}: found {loaded.dtype} {loaded.shape}, wanted a sketch: uint32 (copies, {BANDS})")
    return np.ascontiguousarray(loaded)


def _key(text: str) -> str:
    low = _CONTACTS.sub("@", text.casefold())
    key = _GAPS.sub(" ", _NUMBERS.sub("0", low)).strip()
    return key if len(key) >= SHORT else text.casefold().strip()


def _shingles(keys: Sequence[str]) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """Hash every run of five characters, and say where each text begins. A short text is one shingle."""
    padded = [key + "\0" * (SHINGLE - 1) for key in keys]
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    sizes = np.array([len(key) for key in keys], np.int64)
    starts = np.cumsum(sizes + SHINGLE - 1) - (sizes + SHINGLE - 1)
    rolled: Hashes = np.zeros(max(len(codes) - SHINGLE + 1, 0), np.uint64)
    for at in range(SHINGLE):
        rolled = _mix(rolled * _GOLDEN + codes[at : len(codes) - SHINGLE + 1 + at])
    counts = np.where(sizes < SHORT, 1, sizes - SHINGLE + 1)
    firsts = np.cumsum(counts) - counts
    inside = np.arange(int(counts.sum())) - np.repeat(firsts, counts) + np.repeat(starts, counts)
    hashes = rolled[inside]
    for short in np.flatnonzero(sizes < SHORT).tolist():
        hashes[firsts[short]] = _whole(keys[short])
    return hashes, firsts


def _whole(key: str) -> np.uint64:
    codes = np.frombuffer(key.ljust(SHORT, "\0").encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    places = _mix(np.arange(1, SHORT + 1, dtype=np.uint64) * _GOLDEN)
    return np.uint64(_mix(codes * places).sum(dtype=np.uint64))


def _mix(hashes: Hashes) -> Hashes:
    """Spread every bit over all others (the finaliser of SplitMix64)."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))


def _permutations() -> tuple[Hashes, Hashes]:
    seeds = _mix(np.arange(1, 2 * PERMUTATIONS + 1, dtype=np.uint64) * _GOLDEN)
    return seeds[:PERMUTATIONS] | np.uint64(1), seeds[PERMUTATIONS:]


def _pack(signatures: Hashes) -> Sketch:
    """Keep one byte of each hash, four to a band, (posts, bands)."""
    low = (_mix(signatures) & np.uint64(0xFF)).astype(np.uint8)
    return np.ascontiguousarray(low).view(np.uint32)


def _candidates(folded: Hashes) -> Iterator[npt.NDArray[np.int64]]:
    """Pair each post with the first and with the previous one that shares a band, (pairs, 2)."""
    for keys in folded.T:
        order = np.argsort(keys, kind="stable")
        equal = keys[order][1:] == keys[order][:-1]
        heads = (
            np.maximum.accumulate(np.where(np.r_[True, ~equal], np.arange(len(order)), 0))[1:] if len(order) else equal
        )
        pairs = np.r_[np.c_[order[:-1], order[1:]][equal], np.c_[order[heads], order[1:]][equal]]
        for start in range(0, len(pairs), 65_536):
            yield pairs[start : start + 65_536]


def _root(parents: npt.NDArray[np.int64], at: int) -> int:
    while parents[at] != at:
        parents[at] = parents[parents[at]]
        at = int(parents[at])
    return at
