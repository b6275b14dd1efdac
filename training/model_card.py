"""The model card of a release, generated from its facts and its report, so that it cannot say otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.ablation_table import ablation_table
from training.card_tables import (
    attack_table,
    extra_lines,
    floor_table,
    in_words,
    loss_lines,
    protocol_table,
    slice_table,
    suite_lines,
    use_table,
)
from training.evaluation.floors import floors_of

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

## In use

By the shipped policy, on {rows:,} rows it did not train on ({adverts:,} adverts), re-weighted to the share of
adverts that a stream holds; 95 % intervals over groups of near copies. *Not shown*: these data cannot carry the figure.

{use}

Harm-reduction posts that were flagged all the same: {harm_reduction}.

## Floors

What a release shall reach, as `training/evaluation/floors.toml` states it, measured in this report. A floor is met
where the estimate meets it; its interval stands beside it. Beside it TF-IDF on the same rows, where it was measured.

{floors}

## How it was made

{layers}-layer encoder `{backbone}` with an intent head and a term head, {visits:,} visits over {train:,} rows
(mean loss {loss:.3f}, {minutes:.0f} minutes for the run up to its evaluation).{second}
Trained under these data cards: {cards}.

    {command}

## Working point

Ordinary posts set the review threshold at advert probability **{threshold:.4f}**, at a stated prevalence of
{prevalence:.2%} (allowed: {per_10000} false flags in 10,000).{raised}
What ships left {false_flags} false flags among the {ordinary_rows:,} of them.

## Sources and languages

Recall on adverts, and false flags on the rest; in brackets the counts and the 95 % interval. Beside it the
plain baseline: hashing TF-IDF with logistic regression on the same rows, its one threshold set on the same
ordinary posts at the same rate.

{sources}

(Sources with fewer than {least} rows there are in `report.json`.)

{languages}

{extra}

## Where the plain baseline does better

{losses}

## Functional suite

{suite}

## Attacks, at strength 2 of 3

{attacks}

## Splits that tell the truth

Small networks trained for this table alone; each test part is something that its training never saw.

{protocol}

## What each part brings

Small networks again, one part of the recipe left out or changed in each; `words F1` is the term head's own, `posts/s`
compares the runs of one machine.

{ablations}

## The int8 graph against the float network

{parity}

## Known limits

- Positives in the real data are market listings of 2011 to 2016; social posts, newer names and other languages come
  from authored posts. Real adverts of today may differ from both.
- nl, sv and cs have no real negatives; fr, es, it and pt some thousands: no rate near 1 in 10,000 is shown there.
- A new word for a drug is found from context or not at all. A seller who writes to this model will get past it.
{neighbours}"""


NEIGHBOURS = (
    "- In one batch a probability can move a little with its neighbours: the int8 graph scales activations over the"
    " batch.\n"
)
LEAST = 50
"""Rows that a source must have to stand in the card's table: fewer show nothing."""


def in_blocks(weights: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether the graph's matrices have a scale for each block, as every export of now has."""
    return any("rows" in entry for entry in weights.values())


def model_card(version: str, facts: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    """Fill the card."""
    point, training = report["working_point"], report["training"]
    return TEMPLATE.format(
        version=version,
        neighbours="" if in_blocks(facts["weights"]) else NEIGHBOURS,
        rows=report["rows"],
        adverts=report["adverts"],
        use=use_table(report),
        harm_reduction=harm_reduction(report),
        floors=floor_table(floors_of(report)),
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
        raised=raised(point, facts["config"]),
        second=second_reader(facts["config"]),
        sources=slice_table(report, "source", least=LEAST),
        least=LEAST,
        languages=slice_table(report, "lang"),
        extra=extra_lines(report),
        losses=loss_lines(report),
        suite=suite_lines(report),
        attacks=attack_table(report),
        protocol=protocol_table(report),
        ablations=ablation_table(report),
        parity=parity_lines(report["parity"]),
    )


def harm_reduction(report: Mapping[str, Any]) -> str:
    """Say how often a post that protects people was flagged, by the release and by the baseline."""
    found = report["harm_reduction"]
    if "why" in found:
        return f"not measured: {found['why']}"
    return f"{in_words(found['release'])}; by the baseline {in_words(found['baseline'])}"


def raised(point: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Say for which intents posts that were written to be hard set a higher threshold than the ordinary ones."""
    found = [f"`{intent}` {threshold:.4f}" for intent, threshold in point.get("raised", {}).items()]
    if not found:
        return ""
    return (
        f" Raised for {', '.join(found)}, until no more than {100 * config['most_wrong']:.3g} % of an intent's"
        " flags were wrong on those calibration posts that were written to be hard: ordinary posts hold next to nothing"
        " like them."
    )


def second_reader(config: Mapping[str, Any]) -> str:
    """Say at what share the plain baseline counts beside the network."""
    share = config.get("words_share", 0.0)
    if not share:
        return ""
    return f" Beside it the plain baseline of the tables below reads: its log-odds count at a share of {share:g}."


def parity_lines(parity: Mapping[str, Any]) -> str:
    """Say how far the graph that ships strays from the network that was trained."""
    if not parity["rows"]:
        return "Not checked."
    said = (
        f"On {parity['rows']} held-out adverts and hard negatives the advert probability changed by at most "
        f"{parity['change_p95']:.4f} in 95 % of them, and {parity['decisions_changed']} decisions changed."
    )
    if "times_as_fast" not in parity:
        return said
    sizes = " and ".join(f"{parity[name] / 1e6:.0f} MB" for name in ("int8_bytes", "float_bytes"))
    return f"{said} Reading them, it is {parity['times_as_fast']:.1f} times as fast; the graphs are {sizes}."
