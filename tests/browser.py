"""A real browser before a real server: Debian's Chromium, and the service in a thread of the test's process."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = "/usr/bin/chromium"
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
PATIENCE = 120  # seconds, on a machine that does other work


def install_chromium() -> None:
    """Install Debian's package when there is no Chromium; say plainly when that fails, since no test may be skipped."""
    if shutil.which(CHROMIUM):
        return
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-qy", "--no-install-recommends", "chromium"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{CHROMIUM} is missing and `{' '.join(command)}` failed: {done.stderr[-500:]}")


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the browser."""
    install_chromium()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS, timeout=PATIENCE * 1000)
        try:
            yield running
        finally:
            running.close()


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an app on a free port of this machine and give its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
