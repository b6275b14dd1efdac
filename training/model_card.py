"""The model card of a release, generated from its facts and its report, so that it cannot say otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TEMPLATE = """---
license: apache-2.0
language: [en, de, fr, es, it, nl, pl, pt, ru, sv, cs]
pipeline_tag: text-classification
base_model: {backbone}
---
# npsight release {version}

Reads a social post and says how likely it advertises a New Psychoactive Substance or another illicit drug,
which of eight intents it has, and which words name drugs. Generated from `report.json`: do not edit.

**For** moderation teams, as advice to a person. **Not for** judging people, for law enforcement on its own, or
for languages outside the list above. The shipped policy never says `act`.

## How it was made

{layers}-layer encoder `{backbone}` with an intent head and a term head, {visits:,} visits over {train:,} rows
(mean loss {loss:.3f}, {minutes:.0f} minutes for the run up to its evaluation). Trained under these data cards: {cards}.

    {command}

## Working point

The review threshold is advert probability **{threshold:.4f}** at a stated prevalence of {prevalence:.2%}: it
left {false_flags} false flags among the {ordinary_rows:,} ordinary posts that it was set on (allowed: {per_10000}
in 10,000).

## Figures on rows that it did not train on

Recall on adverts, and false flags on the rest; in brackets the counts and the exact 95 % interval. Beside it the
plain baseline: hashing TF-IDF with logistic regression on the same rows, its threshold set in the same way.

{sources}

(Sources with fewer than {least} rows there are in `report.json`.)

{languages}

{extra}

## The int8 graph against the float network

On {parity_rows} held-out adverts and hard negatives the advert probability changed by at most {change_p95:.4f} in
95 % of them, and {decisions_changed} decisions changed.

## Known limits

- Positives in the real data are market listings of 2011 to 2016; social posts, newer names and other languages come
  from authored posts. Real adverts of today may differ from both.
- nl, sv and cs have no real negatives; fr, es, it and pt some thousands: no rate near 1 in 10,000 is shown there.
- A new word for a drug is found from context or not at all. A seller who writes to this model will get past it.
- In one batch a probability can move a little with its neighbours: the int8 graph scales activations over the batch.
"""


LEAST = 50
"""Rows that a source must have to stand in the card's table: fewer show nothing."""


def model_card(version: str, facts: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    """Fill the card."""
    point, training, parity = report["working_point"], report["training"], report["parity"]
    return TEMPLATE.format(
        version=version,
        backbone=facts["backbone"],
        layers=facts["layers"],
        visits=training["visits"],
        train=training["train_rows"],
        loss=training["mean_loss"],
        minutes=training["seconds"] / 60,
        cards=", ".join(f"`{card['name']}` ({card['licence']})" for card in facts["cards"]),
        command=facts["command"],
        threshold=point["threshold"],
        prevalence=facts["config"]["prevalence"],
        false_flags=point["false_flags"],
        ordinary_rows=point["ordinary_rows"],
        per_10000=facts["config"]["false_flags_per_10000"],
        sources=slice_table(report, "source", least=LEAST),
        least=LEAST,
        languages=slice_table(report, "lang"),
        extra=extra_lines(report),
        parity_rows=parity["rows"],
        change_p95=parity["change_p95"],
        decisions_changed=parity["decisions_changed"],
    )


def slice_table(report: Mapping[str, Any], kind: str, *, least: int = 0) -> str:
    """Draw the rates of the slices of a kind with `least` rows, release beside baseline, as a Markdown table."""
    lines = [
        f"| {kind} | recall | recall, baseline | false flags | false flags, baseline |",
        "|---|---|---|---|---|",
    ]
    for name, rates in report["slices"].items():
        rows = sum(rate["of"] for rate in rates["release"].values())
        if name == "all" or (name.startswith(f"{kind}:") and rows >= least):
            cells = [
                in_words(rates[who][measure]) if who in rates else "not measured"
                for measure in ("recall", "false_flags")
                for who in ("release", "baseline")
            ]
            lines.append(f"| {name.removeprefix(f'{kind}:')} | {' | '.join(cells)} |")
    return "\n".join(lines)


def in_words(rate: Mapping[str, Any]) -> str:
    """Say a rate with its counts and interval; `none` where there is nothing to count."""
    if not rate["of"]:
        return "none"
    digits = 3 if rate["share"] < 0.1 else 1  # small rates are the point of the false flags
    shown = f"{rate['share']:.{digits - 1}%}"
    return f"{shown} ({rate['count']} of {rate['of']:,}; {rate['low']:.{digits - 1}%} to {rate['high']:.{digits - 1}%})"


def extra_lines(report: Mapping[str, Any]) -> str:
    """Say what was measured on authored rows: intents and terms."""
    lines = []
    found = report["intents"]
    if found["rows"]:
        lines.append(
            f"- Intent, on {found['rows']} authored rows with one label: right {in_words(found['right'])}; "
            f"macro-F1 {found['macro_f1']:.3f} at the authored mix of intents."
        )
    terms = report["terms"]
    for who, words in (("model", "term head alone"), ("lexicon", "lexicon alone"), ("both", "both together")):
        if terms["rows"] and terms[who]["f1"] is not None:
            each = terms[who]
            precision = "none" if each["precision"] is None else f"{each['precision']:.3f}"
            lines.append(
                f"- Words that name drugs, {words}: F1 {each['f1']:.3f} (precision {precision}, "
                f"recall {each['recall']:.3f}, {each['words']} words in {terms['rows']} rows)."
            )
    return "\n".join(lines)
