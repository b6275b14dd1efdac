"""Long work says which step it begins: one kind of callable, and the printer that the commands hand in."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console

Step = Callable[[str], None]


def silent(step: str) -> None:
    """Say nothing."""


def timed_steps() -> Step:
    """Print each step on stderr with the seconds since now."""
    console = Console(stderr=True)
    began = time.monotonic()

    def on_step(step: str) -> None:
        console.print(f"[bold]{time.monotonic() - began:6.0f} s[/bold]  {step}")

    return on_step
