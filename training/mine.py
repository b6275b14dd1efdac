"""Hard negatives by the network's own reading: ordinary rows that it finds most like adverts, to learn from next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from rich.progress import track
from tokenizers import Tokenizer

from models.calibration import advert_log_odds
from models.normalise import normalise
from training.corpus import Row
from training.evaluation.judged import Floats
from training.network import Network
from training.trainer import has_bfloat16

BATCH = 64


def mine(network: Network, tokenizer: Tokenizer, rows: Sequence[Row], most: int) -> list[Row]:
    """Choose the rows that the network finds most like adverts, the likest first."""
    if not most or not rows:
        return []
    order = np.argsort(-log_odds(network, tokenizer, [row.text for row in rows]), kind="stable")
    return [rows[place] for place in order[:most].tolist()]


def log_odds(network: Network, tokenizer: Tokenizer, texts: Sequence[str]) -> Floats:
    """Read the first window of each text and give its log-odds of being an advert (texts,)."""
    encodings = tokenizer.encode_batch([each.text for each in normalise(list(texts))])
    order = np.argsort([sum(encoding.attention_mask) for encoding in encodings], kind="stable").tolist()
    found = np.zeros(len(texts))
    network.eval()
    starts = range(0, len(order), BATCH)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16()):
        for start in track(starts, description="mining", disable=len(order) < BATCH):
            places = order[start : start + BATCH]
            width = max(sum(encodings[place].attention_mask) for place in places)
            ids = torch.tensor([encodings[place].ids[:width] for place in places])
            mask = torch.tensor([encodings[place].attention_mask[:width] for place in places])
            found[places] = advert_log_odds(network(ids, mask)[0].float().numpy().astype(np.float64))
    return found
