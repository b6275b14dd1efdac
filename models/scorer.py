"""Texts to logits: the only file that knows onnxruntime and tokenizers.

A text longer than the model's length is read in overlapping windows and takes its highest advert
window; nothing is dropped silently. Truncation, stride and padding live in `tokenizer.json`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from models.calibration import advert_log_odds, softmax

BATCH_TOKENS = 512
"""Most tokens (padding included) in one run of the graph. Measured at 256 to 4,096: 256 and 512 are equally fast, 4,096
takes 1.6 times as long (more padding, and it leaves the cache) and keeps 190 MB more for ever."""


UNKNOWN = ("<unk>", "[UNK]")
"""What tokenizers call a piece outside the vocabulary."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the network says of one text.

    `logits` (8,) is the highest advert window's; `offsets` (tokens, 2) are half-open code points of
    the text that was read; `term` (tokens,) is the probability that the token names a drug here;
    `unknown` is the share of tokens outside the vocabulary.
    """

    logits: NDArray[np.float64]
    offsets: NDArray[np.int64]
    term: NDArray[np.float64]
    unknown: float
    windows: int


class Scorer:
    """The ONNX graph and its tokenizer, loaded once."""

    def __init__(self, graph: Path, tokenizer: Path, *, threads: int | None = None) -> None:
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        padding = self._tokenizer.padding
        if padding is None or self._tokenizer.truncation is None:
            raise ValueError(f"{tokenizer}: wanted truncation and padding in the file, found neither or one")
        self._pad = int(padding["pad_id"])
        self._unknown = next(id_ for name in UNKNOWN if (id_ := self._tokenizer.token_to_id(name)) is not None)
        self._special = [id_ for id_, token in self._tokenizer.get_added_tokens_decoder().items() if token.special]
        self._tokenizer.no_padding()  # each batch is padded to its own longest, after sorting
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Read each text whole; the order of the answers is the order of the texts."""
        windows: list[Encoding] = []
        owners: list[int] = []
        for owner, encoding in enumerate(self._tokenizer.encode_batch(list(texts)) if texts else []):
            for window in (encoding, *encoding.overflowing):
                windows.append(window)
                owners.append(owner)
        intent, term = self._run(windows)
        bounds = np.searchsorted(owners, np.arange(len(texts) + 1))
        return [
            self._reading(windows[low:high], intent[low:high], term[low:high])
            for low, high in itertools.pairwise(bounds)
        ]

    def _run(self, windows: Sequence[Encoding]) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
        """Run all windows, longest first; logits (windows, 8) and term probability per window (tokens,)."""
        order = sorted(range(len(windows)), key=lambda index: -len(windows[index].ids))
        intent = np.zeros((len(windows), 8))
        term: list[NDArray[np.float64]] = [np.empty(0)] * len(windows)
        while order:
            longest = len(windows[order[0]].ids)
            batch, order = order[: max(1, BATCH_TOKENS // longest)], order[max(1, BATCH_TOKENS // longest) :]
            ids = np.full((len(batch), longest), self._pad, dtype=np.int64)
            mask = np.zeros((len(batch), longest), dtype=np.int64)
            for row, index in enumerate(batch):
                ids[row, : len(windows[index].ids)] = self._ids(windows[index])
                mask[row, : len(windows[index].ids)] = 1
            logits, tokens = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
            intent[batch] = logits
            named = softmax(tokens.astype(np.float64))[..., 1]  # (windows, tokens)
            for row, index in enumerate(batch):
                term[index] = named[row, : len(windows[index].ids)]
        return intent, term

    def _ids(self, window: Encoding) -> NDArray[np.int64]:
        """Give a window's ids; a post that writes "</s>" or "<mask>" wrote text, not a command to the network."""
        ids = np.array(window.ids, dtype=np.int64)
        written = np.array([end > start for start, end in window.offsets], dtype=bool)
        return np.where(written & np.isin(ids, self._special), self._unknown, ids)

    def _reading(
        self, windows: Sequence[Encoding], intent: NDArray[np.float64], term: Sequence[NDArray[np.float64]]
    ) -> Reading:
        """Join a text's windows: the highest advert window's logits, each token's highest term probability."""
        best = int(np.argmax(advert_log_odds(intent)))
        tokens: dict[tuple[int, int], float] = {}
        unknown = total = 0
        for window, probabilities in zip(windows, term, strict=True):
            for token, offset, special, probability in zip(
                window.ids, window.offsets, window.special_tokens_mask, probabilities.tolist(), strict=True
            ):
                if special or offset[0] == offset[1]:
                    continue
                tokens[offset] = max(probability, tokens.get(offset, 0.0))
                total += 1
                unknown += token == self._unknown
        places = sorted(tokens)
        return Reading(
            logits=intent[best],
            offsets=np.array(places, dtype=np.int64).reshape(-1, 2),
            term=np.array([tokens[place] for place in places]),
            unknown=unknown / max(total, 1),
            windows=len(windows),
        )
