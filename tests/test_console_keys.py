"""The queue in a real browser: a shift's work by keyboard alone, and what must not happen while somebody types."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from console_store import console, fill  # type: ignore[import-not-found]  # pytest finds it beside this file
from playwright.sync_api import Page, sync_playwright
from sqlalchemy import Engine, select, update

from serving.store.engine import open_engine, writing
from serving.store.tables import CASES, DECISIONS, EXPOSURES, NOTES
from serving.store.upgrade import upgrade

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SECONDS = 60  # that a step may take on a machine that has much else to do


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'console.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()


@contextmanager
def served(engine: Engine, **settings: Any) -> Iterator[str]:
    """Serve the console from a thread until the test is through."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(console(engine, **settings), port=port, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until = time.monotonic() + SECONDS
        while not server.started and time.monotonic() < until:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/console"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    path = shutil.which("chromium")
    assert path, "wanted chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Page]:
    context = chromium.new_context()
    context.set_default_timeout(SECONDS * 1000)
    yield context.new_page()
    context.close()


def press(page: Page, key: str, *, then: str) -> None:
    """Press a key and wait for the page that it leads to."""
    with page.expect_navigation(url=f"**{then}"):
        page.keyboard.press(key)


def decisions(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(select(DECISIONS.c.decision).order_by(DECISIONS.c.id)))


def test_ten_cases_are_decided_by_keyboard_and_the_last_is_undone(store: Engine, page: Page) -> None:
    fill(store)
    with served(store) as address:
        page.goto(f"{address}/queue")
        press(page, "s", then="/cases/*")
        press(page, "b", then="/blur")
        assert page.locator("#post-text").is_visible()
        for key in "anuaenaann":
            if key == "a":
                page.keyboard.press("1")
            press(page, key, then="/cases/*done=*")
        assert page.locator("#post-text").is_visible()  # the choice holds for the session
        press(page, "z", then="/cases/*done=*")
        assert page.get_by_text("taken back").first.is_visible()
    words = {"a": "advert", "n": "not_advert", "u": "unsure", "e": "escalate"}
    assert decisions(store) == [*(words[key] for key in "anuaenaann"), "undo"]
    with store.connect() as connection:
        intents = connection.scalars(select(DECISIONS.c.intent).where(DECISIONS.c.decision == "advert")).all()
        assert connection.scalar(select(EXPOSURES.c.shown)) == 12
    assert set(intents) == {"sell"}


def test_keys_do_nothing_while_somebody_types_and_the_note_is_stored(store: Engine, page: Page) -> None:
    fill(store)
    with served(store) as address:
        page.goto(f"{address}/queue")
        press(page, "s", then="/cases/*")
        page.keyboard.press("w")
        page.keyboard.type("an ebb")
        assert decisions(store) == []
        assert page.locator("#note").input_value() == "an ebb"
        page.keyboard.press("Escape")
        press(page, "n", then="/cases/*done=*")
    with store.connect() as connection:
        assert connection.scalar(select(NOTES.c.note)) == "an ebb"


def test_help_lists_the_keys_and_they_can_be_switched_off(store: Engine, page: Page) -> None:
    fill(store)
    with served(store) as address:
        page.goto(f"{address}/queue")
        page.keyboard.press("?")
        assert page.locator("#keys").is_visible()
        page.keyboard.press("s")
        page.locator("#keys-on").uncheck()
        page.keyboard.press("Escape")
        page.keyboard.press("s")
        assert page.url.endswith("/queue")


def test_a_lease_lost_to_somebody_else_is_said_and_nothing_typed_is_lost(store: Engine, page: Page) -> None:
    fill(store)
    with served(store) as address:
        page.goto(f"{address}/queue")
        press(page, "s", then="/cases/*")
        page.locator("#note").fill("a long thought")
        with writing(store) as connection:
            mine = CASES.c.claimed_by == "local"
            until = datetime(2100, 1, 1, tzinfo=UTC)
            connection.execute(update(CASES).where(mine).values(claimed_by="k1/Ada", claimed_until=until))
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.locator("#lease-said.lost", has_text="Ada").wait_for()
        page.keyboard.press("Escape")
        page.locator("button[value=advert]").click()
        page.get_by_text("Not stored").wait_for()
        assert page.locator("#note").input_value() == "a long thought"
    assert decisions(store) == []


def test_selected_words_become_a_mark(store: Engine, page: Page) -> None:
    fill(store)
    with served(store) as address:
        page.goto(f"{address}/queue?lang=en")
        press(page, "s", then="/cases/*")
        press(page, "b", then="/blur")
        page.get_by_text("Correct the marks").click()
        page.locator("#mark-kind").select_option("quantity")
        page.evaluate(
            """() => { const text = document.querySelector('#post-text').lastChild, range = document.createRange();
            range.setStart(text, text.length - 4); range.setEnd(text, text.length);
            getSelection().removeAllRanges(); getSelection().addRange(range); }"""
        )
        page.wait_for_function("document.querySelector('#mark-words').value === 'menu'")
        page.locator("#mark-add").click()
        page.locator("button[value=advert]").click()
        page.wait_for_url("**done=*")
    with store.connect() as connection:
        spans = connection.scalar(select(DECISIONS.c.spans))
    text = "protonitazene available again. Coins only, tracked parcels to most of Europe. DM for the menu"
    assert spans
    assert f'{{"start": {len(text) - 4}, "end": {len(text)}, "kind": "quantity"}}' in spans


@pytest.mark.parametrize("look", ["light", "dark"])
def test_axe_finds_nothing_serious(store: Engine, chromium: Any, look: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # it has no types

    fill(store)
    context = chromium.new_context(color_scheme=look, viewport={"width": 360, "height": 740}, bypass_csp=True)
    context.set_default_timeout(SECONDS * 1000)
    page = context.new_page()
    with served(store, pause_after=1) as address:
        found: list[str] = []
        page.goto(f"{address}/queue")
        found += faults(Axe().run(page), page)
        press(page, "s", then="/cases/*")
        found += faults(Axe().run(page), page)
        press(page, "b", then="/blur")
        page.get_by_text("Correct the marks").click()
        found += faults(Axe().run(page), page)
        press(page, "a", then="/cases/*done=*")
        found += faults(Axe().run(page), page)
        page.goto(f"{address}/dashboard")
        found += faults(Axe().run(page), page)
    context.close()
    assert found == []


def faults(results: Any, page: Page) -> list[str]:
    """Name what is serious, and what makes a narrow page scroll sideways."""
    serious = [
        f"{page.url}: {each['id']} {[node['html'][:120] for node in each['nodes'][:3]]}"
        for each in results.response["violations"]
        if each["impact"] in ("serious", "critical")
    ]
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return [*serious, *([f"{page.url} is wider than its window"] if wide else [])]
