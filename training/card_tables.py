"""Figures of a report as Markdown: the tables of the model card and of the README, which so cannot say otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.evaluation.floor_measures import ABLATION, budget_of
from training.evaluation.report import IN_USE

Report = Mapping[str, Any]
MOST_LOSSES = 12
TERM_READERS = (
    ("model", "term head alone"),
    ("lexicon", "lexicon alone"),
    ("both", "both together"),
    ("unlisted", "term head on the words in no lexicon"),
)


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Draw a Markdown table."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(cells)} |" if cells[0] != "---" else f"|{'|'.join(cells)}|" for cells in rows)


def in_words(rate: Mapping[str, Any]) -> str:
    """Say a rate with its counts and interval; `none` where there is nothing to count."""
    if not rate["of"]:
        return "none"
    digits = 3 if rate["share"] < 0.1 else 1  # small rates are the point of the false flags
    shown = f"{rate['share']:.{digits - 1}%}"
    return f"{shown} ({rate['count']} of {rate['of']:,}; {rate['low']:.{digits - 1}%} to {rate['high']:.{digits - 1}%})"


def share_in_words(figure: Mapping[str, Any], form: str = ".0%") -> str:
    """Say what was estimated, a share unless the form says otherwise, with its interval or as the bound that it is."""
    if figure["value"] is None:
        return "not shown"
    if "bound" in figure:
        return f"{figure['bound']} {figure['value']:{form}}"
    return f"{figure['value']:{form}} ({figure['low']:{form}} to {figure['high']:{form}})"


def number_in_words(figure: Mapping[str, Any]) -> str:
    """Say a whole number that was estimated."""
    return share_in_words(figure, ",.0f")


def use_table(report: Report) -> str:
    """Draw precision, recall and flags at each stated prevalence, contender by contender; say what they count on."""
    lines = [
        [
            f"{entry['prevalence']:.4g}" if entry["prevalence"] < 0.0001 else f"{entry['prevalence']:.2%}",
            report["contenders"][who],
            share_in_words(figures["precision"]),
            share_in_words(figures["recall"]),
            number_in_words(figures["flags_per_million"]),
        ]
        for entry in report["in_use"]
        for who, figures in entry["contenders"].items()
    ]
    drawn = table(["adverts in the stream", "detector", "precision", "recall", "flags in a million posts"], lines)
    notes = (note for note in report.get("notes", ()) if note.startswith(IN_USE))
    return "\n\n".join([drawn, *(f"{note[:1].upper()}{note[1:]}." for note in notes)])


def floor_table(floors: Any) -> str:
    """Draw which floors are met; `floors` are the section of a report, or the reason why it holds none."""
    if isinstance(floors, Mapping):
        return f"Not measured: {floors['why']}."
    lines = [
        [
            each["sentence"] + (f": {each['at']}" if each.get("at") else ""),
            f"{each['wanted']} {floor_number(each, 'floor', '.4g')}",
            *(["", ""] if "why" in each else [floor_value(each), floor_number(each, "baseline")]),
            f"not shown: {each['why']}" if "why" in each else "met" if each["met"] else "**missed**",
        ]
        for each in floors
    ]
    return f"{floors_line(floors)}\n\n{table(['floor', 'wanted', 'measured', 'TF-IDF', ''], lines)}"


def floors_line(floors: Any) -> str:
    """Count the floors that are met, missed and not shown."""
    if isinstance(floors, Mapping):
        return f"Floors not measured: {floors['why']}."
    shown = [each["met"] for each in floors if "why" not in each]
    met, unshown = sum(shown), len(floors) - len(shown)
    return f"Floors: met {met} of {len(floors)}; {len(shown) - met} missed, {unshown} not shown."


def floor_value(floor: Mapping[str, Any]) -> str:
    """Say what was measured, with its interval and what it was counted over, where they are known."""
    low, high = floor_number(floor, "low"), floor_number(floor, "high")
    more = [f"of {floor['of']:,}"] if floor["of"] is not None else []
    more += [f"{low} to {high}"] if low and high else []
    return floor_number(floor, "value") + (f" ({'; '.join(more)})" if more else "")


def floor_number(floor: Mapping[str, Any], key: str, form: str = ".3f") -> str:
    """Say a number of a floor in its unit; a share below a tenth, where each point counts, with more digits."""
    value = floor[key]
    if value is None:
        return ""
    if floor["unit"] == "share":
        return f"{100 * value:.4g}%" if key == "floor" else f"{value:.{1 if value >= 0.1 else 2}%}"
    return f"{value:,}" if isinstance(value, int) else f"{value:{form}}"


def slice_table(report: Report, kind: str, *, least: int = 0) -> str:
    """Draw the rates of the slices of a kind with `least` rows, release beside baseline."""
    lines = []
    for name, rates in report["slices"].items():
        rows = sum(rate["of"] for rate in rates["release"].values())
        if name == "all" or (name.startswith(f"{kind}:") and rows >= least):
            cells = [
                in_words(rates[who][measure]) if who in rates else "not measured"
                for measure in ("recall", "false_flags")
                for who in ("release", "baseline")
            ]
            lines.append([name.removeprefix(f"{kind}:"), *cells])
    return table([kind, "recall", "recall, baseline", "false flags", "false flags, baseline"], lines)


def loss_lines(report: Report) -> str:
    """List the slices in which the plain baseline does better, those beyond chance first."""
    losses = [each for each in report["loses"] if each["to"] == "baseline"]
    clear = [each for each in losses if each["beyond_interval"]]
    lines = [
        f"- {each['slice']}: {each['measure'].replace('_', ' ')} {100 * each['difference']['value']:+.1f} points "
        f"({100 * each['difference']['low']:+.1f} to {100 * each['difference']['high']:+.1f})"
        for each in clear[:MOST_LOSSES]
    ]
    rest = len(losses) - len(clear[:MOST_LOSSES])
    if not losses:
        return "In no slice that was measured."
    chance = f"{rest} slices in which it is ahead by what may be chance: see `report.json`."
    return "\n".join([*lines, f"- and {chance}" if lines else f"In no slice beyond chance. There are {chance}"])


def suite_lines(report: Report) -> str:
    """Say how the functional suite went."""
    suite = report.get("suite", {"why": "not run"})
    if "why" in suite:
        return f"Not measured: {suite['why']}."
    plain = suite.get("baseline")
    beside = [
        f"; the baseline {in_words(plain[name])}" if plain else "" for name in ("right", "pairs", "adverts", "others")
    ]
    weakest = [each for each in suite["functionalities"] if each["id"] in suite["weakest"]]
    lines = [
        f"- cases right: {in_words(suite['right'])}{beside[0]}",
        f"- minimal pairs with every member right: {in_words(suite['pairs'])}{beside[1]}",
        f"- adverts found: {in_words(suite['adverts'])}{beside[2]}",
        f"- others flagged: {in_words(suite['others'])}{beside[3]}",
        "- weakest: " + "; ".join(f"{each['what']} ({each['id']}) {in_words(each['right'])}" for each in weakest),
    ]
    return "\n".join(lines)


def attack_table(report: Report, strength: int = 2) -> str:
    """Draw how often each attack gets a caught advert past the detector."""
    found = report.get("robustness", {"why": "not run"})
    if "why" in found:
        return f"Not measured: {found['why']}."
    lines = [
        [
            each["attack"] + (" (held out)" if each["held_out"] else ""),
            in_words(each["success"]),
            in_words(each["success_unnormalised"]),
            in_words(each["twin_false_flags"]),
        ]
        for each in found["attacks"]
        if each["strength"] == strength
    ]
    return table(["attack", "adverts that get past", "without the normaliser", "innocent twins newly flagged"], lines)


def protocol_table(report: Report) -> str:
    """Draw the splits that tell the truth, each beside the plain baseline on the same rows."""
    found = report.get("protocol", {"why": "not run"})
    if "why" in found:
        return f"Not measured: {found['why']}."
    lines = []
    runs = [run for run in found["runs"] if run.get("kind") != ABLATION]  # those have a table: see ablation_table.py
    for run in runs:
        if not run["possible"]:
            lines.append([run["split"], f"not possible: {run['why']}", "", "", "", ""])
        elif "release" not in run:
            lines.append([run["split"], str(run["why"]), "", "", "", ""])
        else:
            cells = [in_words(run[who][what]) for what in ("recall", "false_flags") for who in ("release", "baseline")]
            cost = f"{run['train_seconds']:.0f} s on {run['train_rows']:,} rows"
            lines.append([run["split"], *cells, f"{run['budget']}: {cost}" if "budget" in run else cost])
            lines.extend(source_lines(run))
    head = ["held out", "recall", "recall, baseline", "false flags", "false flags, baseline", "training"]
    budgets = dict.fromkeys(budget_of(run, found) for run in runs) or [found["budget"]]
    return f"Budget of each run: {', or '.join(budgets)}.\n\n{table(head, lines)}"


def source_lines(run: Report) -> list[list[str]]:
    """Give a line to each source that a run was tested on, where it was measured by source."""
    sources = run.get("sources", {})
    return [
        [
            f"{run['split']}: {name}",
            *(in_words(found[who][what]) for what in ("recall", "false_flags") for who in ("release", "baseline")),
            "the same",
        ]
        for name, found in sources.items()
    ]


def extra_lines(report: Report) -> str:
    """Say what was measured on authored rows (intents, terms) and of the explanations."""
    lines = []
    found = report["intents"]
    if found["rows"]:
        lines.append(
            f"- Intent, on {found['rows']} authored rows with one label: right {in_words(found['right'])}; "
            f"macro-F1 {found['macro_f1']:.3f} at the authored mix of intents."
        )
    terms = report["terms"]
    for who, words in TERM_READERS:
        if terms["rows"] and who in terms and terms[who]["f1"] is not None:
            each = terms[who]
            precision = "none" if each["precision"] is None else f"{each['precision']:.3f}"
            lines.append(
                f"- Words that name drugs, {words}: F1 {each['f1']:.3f} (precision {precision}, "
                f"recall {each['recall']:.3f}, {each['words']} words in {terms['rows']} rows)."
            )
    cited = report.get("explanations", {"why": ""})
    if "why" not in cited:
        fair = cited["beside_control"]["lowered"]
        lines.append(
            f"- Taking out the words that a flag cites lowers its advert probability in {in_words(cited['lowered'])} "
            f"of flagged posts. Where a post has as many others: in {in_words(fair)}, and taking out those instead in "
            f"{in_words(cited['lowered_by_control'])}."
        )
    return "\n".join(lines)
