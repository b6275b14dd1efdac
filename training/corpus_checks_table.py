"""The report of a corpus check for people: tables in a terminal, and the block of figures in a data card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from training.card_tables import table

Report = Mapping[str, Any]
TITLES = {"schema": "form", "copies": "near copies", "leakage": "leakage", "identity": "identity"}
LEAST_WORDS = 1000
"""Below this one post moves a share by a point, and it is not shown."""
NONE = "-"
HEAD_OF_VARIETY = (
    *("part", "language", "posts", "mean words", "distinct-1 2 3, repeated"),
    *("same, at equal words", "hand-written, at equal words"),
)
HEAD_OF_PARTS = ("part", "posts", "adverts", "with spans", "minimal pairs", "near copies", "largest group")
VARIETY = (
    "Variety: distinct-1, -2 and -3, and the share of six-word runs that another pair's post holds too. All fall as a "
    "text grows, so a part is compared with the hand-written one{where} at an equal number of words. No mark to pass."
)


def print_check(report: Report, console: Console) -> None:
    """Print what failed, then the figures."""
    rows = report["checks"]["schema"]["rows"]
    console.print(f"{report['folder']}: {rows:,} rows, {verdict(report)}", style="bold", markup=False, highlight=False)
    failures = list(failed(report))
    if failures:
        console.print(drawn("what fails", ("check", "fault", "count", "first"), failures))
    for each in report["checks"]["identity"]["found"]:
        words = f"{each['id']}: {each['kind']}, begins {each['begins']!r}"
        console.print(words, markup=False, highlight=False)
    console.print(drawn("parts", HEAD_OF_PARTS, part_lines(report)))
    console.print(drawn("variety", HEAD_OF_VARIETY, variety_lines(report)))
    console.print(VARIETY.format(where=""), *notes(report), sep="\n", markup=False, highlight=False)


def drawn(title: str, head: Sequence[str], cells: Sequence[Sequence[str]]) -> Table:
    """Draw a table whose cells are not markup."""
    made = Table(title=title, title_justify="left")
    for column in head:
        made.add_column(column, overflow="fold")
    for line in cells:
        made.add_row(*(cell.replace("[", r"\[") for cell in line))
    return made


def lines(report: Report) -> str:
    """Write the figures as Markdown for a data card."""
    failures = [f"- {check}: {fault}: {count}" for check, fault, count, _ in failed(report)]
    return "\n\n".join(
        [
            f"`npsight corpus check`: {report['checks']['schema']['rows']:,} rows, {verdict(report)}.",
            *(["\n".join(failures)] if failures else []),
            table(HEAD_OF_PARTS, part_lines(report)),
            VARIETY.format(where=" (in brackets)"),
            table(["language", *report["variety"]["parts"]], variety_grid(report)),
            "\n".join(f"- {note}" for note in notes(report)),
        ]
    )


def verdict(report: Report) -> str:
    """Say in a word or two how it went."""
    names = [TITLES[name] for name, check in report["checks"].items() if not check["passes"]]
    return f"fails: {', '.join(names)}" if names else "all checks pass"


def failed(report: Report) -> Iterator[tuple[str, str, str, str]]:
    """Yield (check, fault, count, first ids) of what fails."""
    for name, check in report["checks"].items():
        for fault, found in check["faults"].items():
            yield TITLES[name], fault, f"{found['count']:,}", ", ".join(found["first"])


def part_lines(report: Report) -> list[list[str]]:
    """Give one line of counts a part."""
    cells = []
    for part, counts in report["coverage"]["parts"].items():
        copies = report["checks"]["copies"]["parts"][part]
        numbers = [f"{counts[name]:,}" for name in ("posts", "adverts", "with_spans", "minimal_pairs")]
        cells.append([part, *numbers, f"{copies['share']:.1%}", str(copies["largest"])])
    return cells


def variety_lines(report: Report) -> list[list[str]]:
    """Give one line a part and language, where there is enough to measure."""
    cells = []
    for part, langs in report["variety"]["parts"].items():
        for lang, found in langs.items():
            if is_enough(found):
                beside = found.get("same_size")
                equal = [figures(beside[who]) for who in ("part", "train")] if beside else ["", ""]
                cells.append([part, lang, f"{found['posts']:,}", f"{found['mean_words']:.1f}", figures(found), *equal])
    return cells


def variety_grid(report: Report) -> list[list[str]]:
    """Give one line a language, one cell a part."""
    parts = report["variety"]["parts"]
    langs = sorted({lang for found in parts.values() for lang in found})
    return [[lang, *(variety_cell(parts[part].get(lang)) for part in parts)] for lang in langs]


def is_enough(found: Mapping[str, Any]) -> bool:
    """Tell whether there are words enough to measure."""
    return bool(found["posts"] * found["mean_words"] >= LEAST_WORDS)


def variety_cell(found: Mapping[str, Any] | None) -> str:
    """Write what was measured of one part and language; nothing where that is too little."""
    if found is None or not is_enough(found):
        return NONE
    beside = found.get("same_size")
    shown = figures(beside["part"]) if beside else figures(found)
    return f"{shown} ({figures(beside['train'])})" if beside else shown


def figures(found: Mapping[str, Any]) -> str:
    """Write three shares of distinct runs and the share that is repeated."""
    distinct = " ".join(NONE if share is None else f"{share:.2f}" for share in found["distinct"])
    return f"{distinct}, {NONE if found['repeated'] is None else format(found['repeated'], '.1%')}"


def notes(report: Report) -> list[str]:
    """Say the rest in words."""
    found, held = report["coverage"]["innocent_uses"], report["coverage"]["held_out"]
    sizes = report["checks"]["copies"]["sizes"]
    groups = ", ".join(f"{count:,} of {size}" for size, count in sizes.items() if count) or "none"
    said = [f"Groups of near copies, by rows: {groups}."]
    if real := report.get("beside"):
        said.append(
            f"Real rows beside them ({', '.join(real['sources'])}): {real['rows']:,}, of which {real['share']:.1%} are "
            f"near copies, the largest group {real['largest']}."
        )
    if held["words"]:
        said.append(f"Held-out words: {held['in_test']:,} of {held['words']:,} stand in test or demo.")
    for ambiguity, figure in found.items():
        if figure["terms"]:
            first = f"; first without: {', '.join(figure['missing'][:5])}" if figure["missing"] else ""
            said.append(
                f"Terms of {ambiguity} ambiguity with an innocent use in their language: {figure['shown']:,} of "
                f"{figure['terms']:,} ({figure['share']:.0%}){first}."
            )
    return said
