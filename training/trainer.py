"""The training loop: Hugging Face's Trainer over our own data set, collator and two-headed loss."""

from __future__ import annotations

import hashlib
import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.utils.data import Dataset, Sampler
from transformers import Trainer, TrainingArguments

from models.terms import overlaps
from models.verdict import INTENTS
from training.augment import MASK, hide_terms, plain_words
from training.config import Config
from training.labels import Labelled
from training.network import TERM_IGNORED, Network, loss

Example = dict[str, list[int]]


class Examples(Dataset[Example]):
    """Labelled texts to token ids; each visit hides the known terms anew."""

    def __init__(self, rows: Sequence[Labelled], tokenizer: Tokenizer, config: Config) -> None:
        self._rows = rows
        self._tokenizer = tokenizer
        self._mask = next((id_ for name in (MASK, "[MASK]") if (id_ := tokenizer.token_to_id(name)) is not None), None)
        self._config = config
        self._random = random.Random(config.seed)
        self._words = plain_words(rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Example:
        row = self._rows[index]
        row = hide_terms(row, self._random, share=self._config.hide_terms, words=self._words.get(row.lang, ()))
        encoding = self._tokenizer.encode(row.text)  # the first window only: a later one may hold no offer
        labels = [TERM_IGNORED] * len(encoding.ids)
        for token, (start, end) in enumerate(encoding.offsets):
            if end > start and overlaps(start, end, row.plain):
                labels[token] = 0
            if end > start and overlaps(start, end, row.named):
                labels[token] = 1
        return {
            "input_ids": self._masked(row, encoding.ids, encoding.offsets),
            "allowed": [int(intent in row.intents) for intent in INTENTS],
            "term_labels": labels,
        }

    def _masked(self, row: Labelled, ids: list[int], offsets: Sequence[tuple[int, int]]) -> list[int]:
        """Write the tokenizer's mask token over each piece of the word `<mask>`."""
        hidden = [(start, end) for start, end in row.named if row.text[start:end] == MASK]
        if not hidden or self._mask is None:
            return ids
        return [
            self._mask if overlaps(start, end, hidden) else token
            for token, (start, end) in zip(ids, offsets, strict=True)
        ]


class SimilarLengths(Sampler[int]):
    """Random order in which neighbours are alike in length, so that a batch holds little padding."""

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self._lengths = lengths
        self._batch = batch
        self._generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        order = torch.randperm(len(self._lengths), generator=self._generator).tolist()
        pool = self._batch * 50  # sorted inside pools of fifty batches: alike in length, random in the large
        pools = (sorted(order[at : at + pool], key=self._lengths.__getitem__) for at in range(0, len(order), pool))
        batches = [part[at : at + self._batch] for part in pools for at in range(0, len(part), self._batch)]
        for index in torch.randperm(len(batches), generator=self._generator).tolist():
            yield from batches[index]


@dataclass(frozen=True, slots=True)
class Collator:
    """Pad examples to their longest: `input_ids`, `attention_mask`, `term_labels` (posts, tokens)."""

    pad: int

    def __call__(self, examples: Sequence[Example]) -> dict[str, Tensor]:
        """Stack examples."""
        longest = max(len(example["input_ids"]) for example in examples)

        def padded(rows: Iterator[list[int]], value: int) -> Tensor:
            return torch.tensor([row + [value] * (longest - len(row)) for row in rows])

        return {
            "input_ids": padded((each["input_ids"] for each in examples), self.pad),
            "attention_mask": padded(([1] * len(each["input_ids"]) for each in examples), 0),
            "term_labels": padded((each["term_labels"] for each in examples), TERM_IGNORED),
            "allowed": torch.tensor([each["allowed"] for each in examples]),
        }


class TwoHeaded(Trainer):
    """Trainer with our loss and with batches of similar length."""

    lengths: Sequence[int] = ()
    term_share: float = 0.0

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Give the joint loss of both heads."""
        intent_logits, term_logits = model(inputs["input_ids"], inputs["attention_mask"])
        value = loss(intent_logits, term_logits, inputs["allowed"], inputs["term_labels"], term_share=self.term_share)
        return (value, (intent_logits, term_logits)) if return_outputs else value

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        return SimilarLengths(self.lengths, self.args.train_batch_size, self.args.seed)


def train_once(
    network: Network, rows: Sequence[Labelled], tokenizer: Tokenizer, config: Config, *, kept: Path
) -> float:
    """Train in place and keep the weights in a file, or take them from there when the same was trained before.

    Gives the mean loss. The file's metadata says what was trained: another config or other rows train anew.
    """
    order = fingerprint(network, rows, config)
    if kept.exists():
        with safe_open(kept, framework="pt") as file:
            facts = file.metadata() or {}
        if facts.get("order") == order:
            network.load_state_dict(load_file(kept))
            network.eval()
            return float(facts["mean_loss"])
    mean_loss = train(network, rows, tokenizer, config)
    if is_main_process():
        save_file(network.state_dict(), kept, metadata={"order": order, "mean_loss": str(mean_loss)})
    return mean_loss


def fingerprint(network: Network, rows: Sequence[Labelled], config: Config) -> str:
    """Hash what training starts from and sees: the encoder's weights, the rows and the config."""
    seen = hashlib.sha256(repr(config).encode())
    for weights in network.encoder.state_dict().values():
        seen.update(weights.numpy().tobytes())
    for row in rows:
        seen.update(repr((row.text, sorted(row.intents), row.named, row.plain)).encode("utf-8", "surrogatepass"))
    return seen.hexdigest()


def train(network: Network, rows: Sequence[Labelled], tokenizer: Tokenizer, config: Config) -> float:
    """Train in place and give the mean loss; bfloat16 where the processor has it, CUDA when present."""
    torch.manual_seed(config.seed)
    padding = tokenizer.padding
    pad = int(padding["pad_id"]) if padding else 0
    tokenizer.no_padding()
    with tempfile.TemporaryDirectory() as scratch:
        trainer = TwoHeaded(
            model=network,
            args=arguments(config, Path(scratch), rows=len(rows)),
            train_dataset=Examples(rows, tokenizer, config),
            data_collator=Collator(pad),
            optimizers=(optimiser(network, config), None),
        )
        trainer.term_share = config.term_loss
        trainer.lengths = [len(encoding.ids) for encoding in tokenizer.encode_batch([row.text for row in rows])]
        result = trainer.train()
    trainer.accelerator.unwrap_model(network, keep_fp32_wrapper=False)  # or the export would hold bfloat16 casts
    network.to("cpu").float().eval()
    return float(result.training_loss)


def optimiser(network: Network, config: Config) -> torch.optim.Optimizer:
    """AdamW with a higher rate for the heads, which start from nothing."""
    heads = [*network.intent_head.parameters(), *network.term_head.parameters()]
    groups = [
        {"params": list(network.encoder.parameters()), "lr": config.learning_rate},
        {"params": heads, "lr": config.head_learning_rate},
    ]
    return torch.optim.AdamW(groups, weight_decay=config.weight_decay)


def arguments(config: Config, folder: Path, *, rows: int) -> TrainingArguments:
    """Turn our config into the Trainer's; nothing is saved or reported on the way."""
    steps = max(1, round(config.epochs * rows / config.batch_size))
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=round(config.warmup_share * steps),
        bf16=has_bfloat16(),
        use_cpu=not torch.cuda.is_available(),
        logging_steps=max(1, min(50, steps // 10)),
        save_strategy="no",
        report_to="none",
        disable_tqdm=False,
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        seed=config.seed,
    )


def has_bfloat16() -> bool:
    """Tell whether bfloat16 is fast here."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def is_main_process() -> bool:
    """Tell whether this is the one process, or the first of those that torchrun started."""
    return int(os.environ.get("RANK", "0")) == 0
