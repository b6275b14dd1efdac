from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape
from sample_report import sample_report  # type: ignore[import-not-found]  # pytest finds it beside this file

from training.evaluation.page import at_policy, contender_names, page, slices_by_kind, write_page
from training.evaluation.pictures import pictures
from training.evaluation.rates import no_figure, rate
from training.evaluation.words import (
    figure_cell,
    in_use_sentence,
    number,
    of_100,
    per_10000,
    percent,
    points,
    rate_cell,
    reason,
    stated,
    whys,
)

SECTIONS = {
    "in_use": "In use",
    "goals": "Thresholds in words",
    "floors": "Floors",
    "curves": "Pictures",
    "calibration": "Calibration",
    "slices": "Slices",
    "worst_slices": "Worst slices",
    "loses": "Where others win",
    "differences": "Differences",
    "robustness": "Robustness",
    "suite": "Functional suite",
    "protocol": "Protocol",
    "explanations": "Explanations",
    "terms": "Words that name drugs",
    "intents": "Intents",
    "errors": "Errors to read",
    "cost": "Cost",
    "training": "How it was made",
}
SHOWN_IF_THERE = [*SECTIONS, "harm_reduction", "average_precision", "notes"]
VOID = {"meta", "br", "wbr", "link", "img", "input", "hr", "path", "use"}


class Reader(HTMLParser):
    """Follows a page: open elements, what stands in each table row and paragraph, ids, headings, addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.blocks: list[str] = []
        self.starts: list[int] = []
        self.headings: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action", "data")]
        if tag not in VOID:
            self.open.append(tag)
            self.starts.append(len(self.text))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.open.pop() == tag
        inside = " ".join(self.text[self.starts.pop() :])
        if tag in ("tr", "p", "li", "div", "dt", "dd", "figcaption", "caption"):
            self.blocks.append(inside)
        if tag == "h2":
            self.headings.append(inside.strip())

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_page(sample_report(), path)
    return path.read_text(encoding="utf-8")


def test_a_whole_report_shows_every_section_in_order(html: str) -> None:
    headings = read(html).headings
    assert [name for name in headings if name in SECTIONS.values()] == list(SECTIONS.values())
    assert "Not measured" not in html
    assert "Not drawn" not in html
    assert html.count("<figure") == html.count("<svg") == 9


def test_the_first_sentence_says_the_working_point_in_plain_words(html: str) -> None:
    sentence = (
        "In a stream with 1 advert in 345 posts, of 100 flags about 86 are right (74 to 93), "
        "and it finds 81 of 100 adverts (78 to 84)."
    )
    assert sentence in html.replace("\u00a0", " ")


def test_the_page_is_well_formed_and_its_marks_lead_somewhere(html: str) -> None:
    reader = read(html)
    assert reader.open == []
    assert len(set(reader.ids)) == len(reader.ids)
    assert {each.removeprefix("#") for each in reader.addresses} <= set(reader.ids)
    assert {"header", "nav", "main", "footer"} <= set(reader.tags)
    assert reader.tags.count("table") == reader.tags.count("caption")


def test_the_page_loads_nothing_and_runs_nothing(html: str) -> None:
    assert all(each.startswith("#") for each in read(html).addresses)
    assert "<script" not in html
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)
    assert "http:" not in html
    assert "https:" not in html
    assert "default-src 'none'" in html


def test_the_same_report_gives_the_same_bytes_under_three_megabytes(html: str, tmp_path: Path) -> None:
    write_page(sample_report(), tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == html
    assert len(html.encode()) < 3_000_000


def test_an_f1_never_stands_without_its_prevalence(html: str) -> None:
    blocks = [each for each in read(html).blocks if "F1" in each]
    assert blocks
    assert all("prevalence" in each for each in blocks)
    cells = re.findall(r'<td class="n">0\.835.*?</td>', html)
    assert cells
    assert all("at 0.29\u00a0%" in each for each in cells)


def test_a_bound_is_said_as_one_and_a_missing_figure_with_its_reason(html: str) -> None:
    assert "at least 91\u00a0%" in html
    assert "not given<sup>" in html
    assert "precision is known as a bound only" in html


def test_harm_reduction_stands_on_the_first_page_with_its_upper_bound(html: str) -> None:
    first = html[html.index('id="in-use"') : html.index('id="thresholds"')]
    assert "0 of 312" in first
    assert "at most 1.2\u00a0%" in first


def test_every_figure_of_the_protocol_has_its_budget_beside_it(html: str) -> None:
    protocol = html[html.index('id="protocol"') : html.index('id="explanations"')]
    rows = [
        each
        for each in re.findall(r"<tr>.*?</tr>", protocol, re.DOTALL)
        if " of\u00a0" in each.replace("\u00a0of", " of")
    ]
    assert len(rows) == 5
    assert all("6 layers, 6,000 rows, 1 epoch" in each for each in rows)
    assert "Not possible: in these data time equals source" in protocol


def test_a_floor_says_in_words_whether_it_is_met(html: str) -> None:
    floors = html[html.index('id="floors"') : html.index('id="pictures"')].replace("\u00a0", " ")
    met, missed, unshown = (
        [cell.split() for cell in cells(row)] for row in re.findall(r"<tr><th.*?</tr>", floors, re.S)[1:]
    )
    assert [" ".join(words) for words in met] == [
        "recall in the worst language de",
        "at least 85 %",
        "90 % 86 to 93 % of 320",
        "71 %",
        "met",
    ]
    assert [" ".join(words) for words in missed][1:] == ["at most 0", "3 of 90", "–", "missed"]
    assert [" ".join(words) for words in unshown][1:] == ["at most 0.1 %", "Not shown: 11 to count, fewer than 20"]


def cells(row: str) -> list[str]:
    """The words of each cell of a table's row."""
    return [re.sub(r"<[^>]*>", " ", each) for each in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)]


def test_floors_of_a_report_made_without_them_are_measured_on_the_page() -> None:
    old = {name: part for name, part in sample_report().items() if name != "floors"}
    shown = page(old, [])
    assert "Cases right in the functional suite" in shown
    assert "Not shown: no slices named:unlisted in this report" in shown


def test_every_reason_in_a_report_is_shown(html: str) -> None:
    assert [why for why in whys(sample_report()) if why not in html] == []


@pytest.mark.parametrize("section", SHOWN_IF_THERE)
def test_a_section_that_holds_only_a_reason_says_it(section: str) -> None:
    shown = page({section: {"why": "the <data> cannot carry it"}}, [])
    assert "the &lt;data&gt; cannot carry it" in shown


@pytest.mark.parametrize("section", SHOWN_IF_THERE)
def test_a_section_alone_or_missing_never_fails(section: str) -> None:
    whole = sample_report()
    assert read(page({section: whole[section]}, [])).open == []
    assert read(page({name: part for name, part in whole.items() if name != section}, [])).open == []


def test_a_reason_in_the_place_of_any_part_is_shown_and_never_fails() -> None:
    for path in paths(few_slices()):
        if path[0] in ("contenders", "policy", "left_out", "data", "working_point", "parity", "training", "curves"):
            continue
        shown = page(replaced(few_slices(), path), [])
        assert "a reason of its own" in shown, path


def test_an_empty_report_gives_a_page_that_says_so(tmp_path: Path) -> None:
    write_page({}, tmp_path / "report.html")
    shown = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert read(shown).open == []
    assert shown.count("Not measured: this report does not hold it") > 15
    assert shown.count("Not drawn: this report does not hold it") == 9


@pytest.mark.parametrize("part", ["precision_recall", "recall_false_flags", "scores"])
def test_a_picture_that_cannot_be_drawn_says_why(part: str) -> None:
    found = pictures({"curves": {part: {"why": "too few"}}})
    assert [each.why for each in found if each.why == "too few"] == ["too few"]


def test_intents_without_rows_leave_a_reason_where_their_picture_was() -> None:
    found = {each.key: each.why for each in pictures({"intents": {"rows": 0}})}
    assert found["confusion"] == "there was nothing to count"


def test_a_reason_for_all_curves_is_said_of_each_picture() -> None:
    found = pictures({"curves": {"why": "no advert"}})
    assert sum(each.why == "no advert" for each in found) == 3


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}' onload='x"]
)
def test_hostile_words_are_only_ever_words(hostile: str, tmp_path: Path) -> None:
    report = sample_report()
    report |= {"release": hostile, "notes": [hostile], "data": [hostile], "created": hostile}
    report["policy"]["label"] = hostile
    report["slices"][f"lang:{hostile}"] = report["slices"]["lang:en"]
    report["differences"]["baseline"][f"lang:{hostile}"] = report["differences"]["baseline"]["lang:en"]
    report["differences"][hostile] = report["differences"]["baseline"]
    report["contenders"][hostile] = hostile
    report["slices"]["all"][hostile] = report["slices"]["all"]["release"]
    report["curves"]["precision_recall"][hostile] = report["curves"]["precision_recall"]["release"]
    report["curves"]["scores"]["by_intent"][hostile] = report["curves"]["scores"]["by_intent"]["sell"]
    report["intents"]["confusion"]["labels"][0] = hostile
    report["robustness"]["attacks"][0] |= {"attack": hostile, "what": hostile}
    report["errors"]["missed"][0] |= dict.fromkeys(("id", "slice", "truth", "said", "text"), hostile)
    report["protocol"] |= {"budget": hostile}
    report["calibration"]["shifted"]["ece"] = no_figure(hostile)
    report["worst_slices"]["missed"][0]["where"] = [hostile]
    write_page(report, tmp_path / "report.html")
    shown = (tmp_path / "report.html").read_text(encoding="utf-8")
    reader = read(shown)
    assert reader.open == []
    assert not {"script", "img"} & set(reader.tags)
    assert str(escape(hostile)) in shown
    assert not re.search(r"<[^>]*\sonload=", shown)


def few_slices() -> Any:
    report = sample_report()
    report["slices"] = {name: report["slices"][name] for name in ("all", "lang:en")}
    report["differences"] = {"baseline": {"all": report["differences"]["baseline"]["all"]}}
    return report


def paths(report: Any, depth: int = 3) -> list[list[Any]]:
    """List the ways to every mapping, and every list of mappings, of a report, down to a depth; one of each list."""
    found: list[list[Any]] = []
    steps: Any = report.items() if isinstance(report, dict) else list(enumerate(report))[:1]
    for key, value in steps:
        if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
            found.append([key])
            found += [[key, *path] for path in paths(value, depth - 1)] if depth > 1 else []
    return found


def replaced(report: Any, path: list[Any]) -> Any:
    """Put a reason in the place of one part."""
    part = report
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = {"why": "a reason of its own"}
    return report


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (None, "–"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.8485, "85 %"),
        (0.0976, "9.8 %"),
        (0.002898, "0.29 %"),
        (0.00013, "0.013 %"),
        (0.9996, "99.96 %"),
        (float("nan"), "–"),
    ],
)
def test_a_share_has_the_digits_that_it_needs(share: float | None, words: str) -> None:
    assert percent(share).replace("\u00a0", " ") == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (21073, "21,073"),
        (0.0041, "0.00410"),
        (12.81, "12.8"),
        (2727.6, "2,728"),
        (-2.31, "−2.31"),
        (True, "–"),
    ],
)
def test_a_number_has_three_digits_and_no_exponent(value: Any, words: str) -> None:
    assert number(value) == words


def test_small_shares_are_said_in_ten_thousand() -> None:
    assert per_10000(0.0012813) == "12.8"
    assert per_10000(0.00000811) == "0.081"
    assert stated(0.0001) == "0.01\u00a0%"
    assert points(-0.0123) == "−1.2\u00a0points"


def test_a_handful_of_false_flags_is_led_by_its_counts_and_none_by_the_most_there_can_be() -> None:
    none, few, many = (rate_cell(rate(count, 289), "per_10000") for count in (0, 2, 40))
    assert (none.main, none.more) == ("0\u00a0of\u00a0289", "at most 127")
    assert few.main == "2\u00a0of\u00a0289"
    assert (many.main, many.counts) == ("1,384", "40\u00a0of\u00a0289")


def test_a_figure_is_shown_with_its_interval_bound_or_reason() -> None:
    cell = figure_cell({"value": 0.86, "low": 0.74, "high": 0.93})
    assert (cell.main, cell.more) == ("86\u00a0%", "74 to 93\u00a0%")
    assert figure_cell({"value": 0.91, "low": None, "high": None, "bound": "at least"}).main == "at least 91\u00a0%"
    assert figure_cell(no_figure("too few rows")).why == "too few rows"
    assert rate_cell(rate(0, 0)).main == "–"


def test_of_a_hundred_is_never_rounded_to_none_or_all() -> None:
    assert of_100({"value": 0.001})[0] == "fewer than 1"
    assert of_100({"value": 0.999})[0] == "more than 99"


def test_a_sentence_says_a_bound_and_what_is_not_known() -> None:
    release = {"precision": {"value": 0.91, "bound": "at least"}, "recall": no_figure("no adverts")}
    sentence = in_use_sentence({"prevalence": 0.01, "contenders": {"release": release}})
    assert "of 100 flags at least 91 are right, and how many adverts it finds is not known." in sentence
    assert in_use_sentence(None) == ""


def test_the_entry_nearest_to_the_policys_prevalence_is_the_one_in_the_sentence() -> None:
    entries = [{"prevalence": 0.0001}, {"prevalence": 0.003}]
    assert at_policy({"in_use": entries, "policy": {"prevalence": 0.003}}) is entries[1]
    assert at_policy({"in_use": entries, "policy": {"prevalence": 0.0029}}) is entries[1]
    assert at_policy({"in_use": entries}) is entries[0]
    assert at_policy({}) is None


def test_other_releases_come_after_the_house_contenders() -> None:
    assert contender_names({"contenders": {"2026.9.1": "", "lexicon": "", "release": ""}}) == [
        "release",
        "lexicon",
        "2026.9.1",
    ]


def test_small_kinds_of_slices_share_a_table() -> None:
    kinds = slices_by_kind({"all": {}, "lang:en": {"a": 1}, "lang:de": {}, "lang:ru": {}, "emoji:yes": {"b": 2}})
    assert kinds == {
        "language": [("en", {"a": 1}), ("de", {}), ("ru", {})],
        "other marks": [("emoji: yes", {"b": 2})],
    }


def test_a_part_is_missing_for_one_reason() -> None:
    assert reason({"why": "too few", "value": None}) == "too few"
    assert reason({"rows": 0}) == "there was nothing to count"
    assert reason(None) == "this report does not hold it"
    assert reason({"possible": False, "why": "no dates"}) == ""
