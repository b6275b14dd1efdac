"""What the pages of the console stand on."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from serving.batching import Batcher
from serving.console.visitors import Visitors
from serving.keyring import Keyring
from serving.live import Live
from serving.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """The state in force, the queue before the network, the store, and who may come in."""

    live: Live
    batcher: Batcher
    settings: Settings
    engine: Engine
    keyring: Keyring
    visitors: Visitors
