from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from torch import Tensor

from models.verdict import ADVERT_INTENTS, INTENTS, Intent
from training.augment import MASK
from training.config import Config
from training.labels import Labelled
from training.network import TERM_IGNORED, Network, loss
from training.trainer import Collator, Examples, SimilarLengths

NO_TERMS = torch.full((1, 2), TERM_IGNORED)
TERMS = torch.zeros(1, 2, 2)


def joint(intents: Tensor, terms: Tensor, allowed: Tensor, labels: Tensor, *, share: float = 0.5) -> Tensor:
    return loss(intents, terms, allowed, labels, term_share=share)


def allow(*intents: Intent) -> Tensor:
    return torch.tensor([[int(intent in intents) for intent in INTENTS]])


def odds(**given: float) -> Tensor:
    """Intent logits: the log of these weights, 1 where none is given."""
    return torch.tensor([[math.log(given.get(intent.value, 1.0)) for intent in INTENTS]])


# by hand: the weights of the eight intents sum to the divisor; the loss is minus the log of the allowed share
@pytest.mark.parametrize(
    ("logits", "allowed", "share"),
    [
        (odds(), allow(Intent.SELL), 1 / 8),
        (odds(), allow(*ADVERT_INTENTS), 3 / 8),
        (odds(), allow(*INTENTS), 1.0),
        (odds(sell=5), allow(Intent.SELL), 5 / 12),
        (odds(sell=5, promote=2), allow(*ADVERT_INTENTS), 8 / 13),
        (odds(other=9), allow(Intent.SEEK, Intent.USE_TALK), 2 / 16),
    ],
)
def test_a_partial_label_costs_the_log_of_the_share_that_it_allows(
    logits: Tensor, allowed: Tensor, share: float
) -> None:
    assert joint(logits, TERMS, allowed, NO_TERMS).item() == pytest.approx(-math.log(share), abs=1e-6)


def test_rows_weigh_the_same() -> None:
    logits = torch.cat([odds(), odds(sell=5)])
    allowed = torch.cat([allow(*ADVERT_INTENTS), allow(Intent.SELL)])
    wanted = -(math.log(3 / 8) + math.log(5 / 12)) / 2
    assert joint(logits, TERMS.expand(2, 2, 2), allowed, NO_TERMS.expand(2, 2)).item() == pytest.approx(wanted)


def test_the_term_loss_counts_labelled_tokens_only() -> None:
    terms = torch.tensor([[[0.0, math.log(3)], [0.0, 100.0], [math.log(3), 0.0]]])  # says 3/4, almost 1, 1/4
    labels = torch.tensor([[1, TERM_IGNORED, 1]])
    wanted = 0.5 * -(math.log(3 / 4) + math.log(1 / 4)) / 2
    assert joint(odds(), terms, allow(*INTENTS), labels).item() == pytest.approx(wanted, abs=1e-6)
    assert joint(odds(), terms, allow(*INTENTS), labels, share=0).item() == pytest.approx(0, abs=1e-6)


def test_a_batch_without_term_labels_has_a_finite_loss_and_gradient() -> None:
    logits = odds().requires_grad_()
    value = joint(logits, TERMS, allow(Intent.SELL), NO_TERMS)
    value.backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(value)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_intents_that_are_not_allowed_are_pushed_down_and_allowed_ones_not_told_apart() -> None:
    logits = torch.zeros(1, 8, requires_grad=True)
    joint(logits, TERMS, allow(*ADVERT_INTENTS), NO_TERMS).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    pulls = dict(zip(INTENTS, logits.grad[0].tolist(), strict=True))
    assert len({round(pulls[intent], 6) for intent in ADVERT_INTENTS}) == 1
    assert all((pull < 0) == (intent in ADVERT_INTENTS) for intent, pull in pulls.items())


@pytest.fixture(scope="module")
def network(tiny_backbone: Path) -> Network:
    return Network.from_backbone(tiny_backbone).eval()


def test_heads_give_intents_per_post_and_terms_per_token(network: Network) -> None:
    ids = torch.randint(4, 100, (3, 7))
    intent, term = network(ids, torch.ones_like(ids))
    assert (intent.shape, term.shape) == ((3, 8), (3, 7, 2))


def test_padding_changes_nothing(network: Network) -> None:
    ids = torch.randint(4, 100, (1, 5))
    padded = torch.cat([ids, torch.ones(1, 6, dtype=torch.long)], dim=1)
    mask = torch.tensor([[1] * 5 + [0] * 6])
    alone, beside = network(ids, torch.ones_like(ids)), network(padded, mask)
    assert torch.allclose(alone[0], beside[0], atol=1e-5)
    assert torch.allclose(alone[1], beside[1][:, :5], atol=1e-5)


def test_fewer_layers_are_the_first_ones(tiny_backbone: Path, network: Network) -> None:
    short = Network.from_backbone(tiny_backbone, layers=1)
    assert short.encoder.config.num_hidden_layers == 1
    whole = dict(network.encoder.named_parameters())
    assert all(torch.equal(value, whole[name]) for name, value in short.encoder.named_parameters())


def examples(tiny_backbone: Path, *rows: Labelled, hide: float = 0.0) -> Examples:
    tokenizer = Tokenizer.from_file(str(tiny_backbone / "tokenizer.json"))
    return Examples(rows, tokenizer, Config(hide_terms=hide))


def test_tokens_take_the_label_of_their_word_and_the_rest_is_ignored(tiny_backbone: Path) -> None:
    row = Labelled("get zorple rain now", frozenset({Intent.SELL}), named=((4, 10),), plain=((11, 15),))
    example = examples(tiny_backbone, row)[0]
    labels = example["term_labels"]
    assert labels[0] == labels[-1] == TERM_IGNORED  # <s> and </s>
    inside = labels[1:-1]
    assert inside.count(1) == 6  # z, o, r, p, l, e: the tiny vocabulary has no such word
    assert inside.count(0) == 1  # rain
    assert inside.count(TERM_IGNORED) == len(inside) - 7
    assert example["allowed"] == [1, 0, 0, 0, 0, 0, 0, 0]


def test_a_masked_word_becomes_the_tokenizers_own_mask(tiny_backbone: Path) -> None:
    mask = Tokenizer.from_file(str(tiny_backbone / "tokenizer.json")).token_to_id(MASK)
    row = Labelled(f"get {MASK} now", frozenset({Intent.SELL}), named=((4, 4 + len(MASK)),), plain=())
    example = examples(tiny_backbone, row)[0]
    assert mask is not None
    assert example["input_ids"].count(mask) == 1
    assert example["term_labels"][example["input_ids"].index(mask)] == 1


def test_known_terms_are_hidden_anew_on_each_visit(tiny_backbone: Path) -> None:
    row = Labelled("get zorple now", frozenset({Intent.SELL}), named=((4, 10),), plain=())
    visits = examples(tiny_backbone, row, hide=1.0)
    assert len({tuple(visits[0]["input_ids"]) for _ in range(10)}) > 2


def test_a_batch_is_padded_to_its_longest() -> None:
    short = {"input_ids": [0, 2], "term_labels": [TERM_IGNORED, 1], "allowed": [1] * 8}
    long = {"input_ids": [0, 7, 8, 2], "term_labels": [0, 1, 0, 1], "allowed": [0] * 8}
    batch = Collator(pad=1)([short, long])
    assert batch["input_ids"].tolist() == [[0, 2, 1, 1], [0, 7, 8, 2]]
    assert batch["attention_mask"].tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]
    assert batch["term_labels"].tolist() == [[TERM_IGNORED, 1, TERM_IGNORED, TERM_IGNORED], [0, 1, 0, 1]]


def test_batches_of_similar_length_visit_every_row_once() -> None:
    lengths = [number % 50 + 1 for number in range(1003)]
    order = list(SimilarLengths(lengths, batch=16, seed=1))
    assert sorted(order) == list(range(1003))
    spread = [max(part) - min(part) for at in range(0, 992, 16) if (part := [lengths[i] for i in order[at : at + 16]])]
    assert sum(spread) / len(spread) < 10  # of 49
    assert order != list(SimilarLengths(lengths, batch=16, seed=2))
