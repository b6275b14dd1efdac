"""The console as a person meets it: in Chromium, by keyboard, in light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import browser, served  # type: ignore[import-not-found]  # pytest finds it beside this file
from changing_place import Place  # type: ignore[import-not-found]  # likewise
from playwright.sync_api import Browser, Page, expect

from serving import keys
from serving.app import live_app
from serving.loading import Loader
from serving.store.engine import open_engine, writing
from serving.store.upgrade import upgrade

PAGES = ("try", "lexicon", "releases", "releases/versions/2026.1.2", "releases/promote?version=2026.1.2", "nowhere")
POST = "fresh batch landed 2-MMC vacuum sealed packs dm for prices"
SLOW = 60_000  # milliseconds


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@pytest.fixture
def address(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve a place; the file `key` beside it has a key that may do all."""
    monkeypatch.setattr("serving.keyring.WAIT_SECONDS", 60)
    store = f"sqlite:///{tmp_path / 'npsight.db'}"
    settings = place.settings(database_url=store, watch_seconds=0.2, deadline_seconds=60)
    engine = open_engine(settings.store)
    upgrade(engine)
    with writing(engine) as connection:
        key = keys.create(connection, "team", list(keys.Scope), expires=None, actor="test")[1]
    (tmp_path / "key").write_text(key, encoding="utf-8")
    loader = Loader(settings)
    with served(live_app(loader.snapshot, settings, loader, engine=engine)) as url:
        yield url


@pytest.fixture
def page(chromium: Browser, address: str, tmp_path: Path) -> Iterator[Page]:
    """Open a page that is signed in; whatever it logs as an error fails the test."""
    context = chromium.new_context(base_url=address)
    context.set_default_timeout(SLOW)
    expect.set_options(timeout=SLOW)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    page.goto("/console/try")
    page.get_by_label("Your name").fill("Sample Reviewer")
    page.get_by_label("Key").fill((tmp_path / "key").read_text(encoding="utf-8"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Try it")).to_be_visible()
    yield page
    context.close()
    assert wrong == []


def judge(page: Page, text: str) -> str:
    page.get_by_label("The post").fill(text)
    page.get_by_role("button", name="Judge").click()
    expect(page.locator("#verdict .big")).to_be_visible()
    return page.locator("#verdict .big").inner_text()


def test_a_post_is_judged_in_place_and_a_mark_left_out_moves_it(page: Page) -> None:
    judge(page, POST)
    expect(page.locator("#verdict mark").first).to_contain_text("2-MMC")
    page.get_by_label("Leave out 2-MMC").check()
    expect(page.locator("#moved")).to_contain_text("points")
    assert page.get_by_label("The post").input_value() == POST


def test_a_term_added_at_noon_works_at_noon(page: Page) -> None:
    page.goto("/console/lexicon")
    page.get_by_label("Word or phrase, as posts write it").fill("blue zebra")
    page.get_by_label("Stands for", exact=True).fill("2-MMC")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#in-force")).to_contain_text("which is all that was asked for")
    page.goto("/console/try")
    judge(page, "blue zebra back on shelf")
    expect(page.locator("#verdict mark").first).to_contain_text("blue zebra")


def test_promote_and_roll_back_want_the_version_typed(page: Page, place: Place) -> None:
    page.goto("/console/releases/promote?version=2026.1.2")
    page.get_by_label("Type").fill("2026.1.1")
    page.get_by_role("button", name="Promote 2026.1.2").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed")
    page.get_by_label("Type").fill("2026.1.2")
    page.keyboard.press("Enter")
    expect(page.locator("#in-force")).to_contain_text("judges by release 2026.1.2")
    page.get_by_role("link", name="Roll back to 2026.1.1").click()
    page.get_by_label("Type").fill("2026.1.1")
    page.keyboard.press("Enter")
    expect(page.locator("#in-force")).to_contain_text("judges by release 2026.1.1")
    assert place.registry.history() == ["2026.1.1"]


def test_a_policy_goes_up_by_one_and_a_wrong_one_is_refused(page: Page, place: Place) -> None:
    page.goto("/console/releases/policies/default")
    page.get_by_label("sells: review from").fill("7")
    page.get_by_role("button", name="Write version").click()
    expect(page.get_by_role("alert")).to_contain_text("wanted a probability")
    page.get_by_label("sells: review from").fill("0.7")
    page.get_by_role("button", name="Write version").click()
    expect(page.get_by_text("one version higher")).to_be_visible()
    assert (place.strict.parent / "default.json").exists()


def test_the_skip_link_is_the_first_stop_of_the_keyboard(page: Page) -> None:
    page.goto("/console/lexicon")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault_of_access(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    judge(page, POST)
    found = faults(page, "try, judged")
    for path in PAGES:
        page.goto(f"/console/{path}")
        found += faults(page, path)
    page.context.clear_cookies()
    page.goto("/console/sign-in")
    assert found + faults(page, "sign-in") == []


def test_no_page_is_wider_than_a_small_telephone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    judge(page, POST)
    widths = {"judged": page.evaluate("document.documentElement.scrollWidth")}
    for path in PAGES:
        page.goto(f"/console/{path}")
        widths[path] = page.evaluate("document.documentElement.scrollWidth")
    assert {path: width for path, width in widths.items() if width > 360} == {}


def faults(page: Page, where: str) -> list[str]:
    """Give what axe-core finds serious or critical on the page as it is."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{where}: {each['id']} at {[node['target'] for node in each['nodes']][:3]}"
        for each in violations
        if each["impact"] in ("serious", "critical")
    ]
