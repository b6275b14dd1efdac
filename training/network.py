"""The network: one encoder, an intent head on the mean of its tokens, a term head on each of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedModel

from models.verdict import INTENTS

TERM_IGNORED = -100
"""The token label that carries no loss (PyTorch's own default)."""


class Network(nn.Module):
    """Token ids in; intent logits (posts, 8) and term logits (posts, tokens, 2) out."""

    def __init__(self, encoder: PreTrainedModel, *, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.config.hidden_size
        self.dropout = nn.Dropout(dropout)
        self.intent_head = nn.Linear(width, len(INTENTS))
        self.term_head = nn.Linear(width, 2)

    @classmethod
    def from_backbone(cls, backbone: str | Path, *, layers: int | None = None) -> Network:
        """Load a hub id or a folder, in float32; keep only the first `layers` layers when given."""
        options: dict[str, Any] = {} if layers is None else {"num_hidden_layers": layers}
        encoder = AutoModel.from_pretrained(str(backbone), dtype=torch.float32, add_pooling_layer=False, **options)
        return cls(encoder)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Network:
        """Build the same shape with untrained weights, from the encoder's config."""
        values = {key: value for key, value in config.items() if key != "model_type"}
        encoder_config = AutoConfig.for_model(config["model_type"], **values)
        build: Any = AutoModel.from_config  # untyped upstream
        return cls(build(encoder_config, dtype=torch.float32, add_pooling_layer=False))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Give (intent logits, term logits); the mean runs over real tokens only, as E5 was trained."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)  # (posts, tokens, 1)
        pooled = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)  # (posts, width)
        intent = self.intent_head(
            self.dropout(pooled).unsqueeze(1)
        )  # three axes: in the graph a MatMul like all others
        return intent.squeeze(1), self.term_head(self.dropout(hidden))


def loss(
    intent_logits: Tensor, term_logits: Tensor, allowed: Tensor, term_labels: Tensor, *, term_share: float
) -> Tensor:
    """Add the partial-label intent loss and a share of the term loss.

    `allowed` (posts, 8) is 1 where the row's label permits the intent; `term_labels` (posts, tokens)
    is 0, 1 or `TERM_IGNORED`.
    """
    log_probability = intent_logits.float().log_softmax(-1)
    permitted = log_probability.masked_fill(allowed == 0, -torch.inf).logsumexp(-1)  # (posts,)
    intent_loss = -permitted.mean()
    if not term_share or not (term_labels != TERM_IGNORED).any():
        return intent_loss
    term_loss = nn.functional.cross_entropy(
        term_logits.float().flatten(0, 1), term_labels.flatten(), ignore_index=TERM_IGNORED
    )
    return intent_loss + term_share * term_loss
