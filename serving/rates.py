"""How much one client may ask in a minute: requests, and posts."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string

from serving.problems import Problem
from serving.settings import Settings

log = logging.getLogger("npsight.serving")
SIGN_INS_PER_MINUTE = 20  # of one address: a team behind one proxy begins its shift together; a key cannot be guessed


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of one limit, and in how many seconds there will be more."""

    name: str
    limit: int
    remaining: int
    seconds: int


class Rates:
    """The limits over one storage. When that storage does not answer, nothing is limited: classifying must go on."""

    def __init__(self, settings: Settings) -> None:
        self.items = {
            "requests": RateLimitItemPerMinute(settings.requests_per_minute, namespace="npsight-requests"),
            "sign-ins": RateLimitItemPerMinute(SIGN_INS_PER_MINUTE, namespace="npsight-sign-ins"),
            "posts": RateLimitItemPerMinute(settings.posts_per_minute, namespace="npsight-posts"),
        }
        try:
            storage = storage_from_string(f"async+{settings.rate_limit_storage}", wrap_exceptions=True)
        except ConfigurationError as error:
            raise ValueError(f"rate_limit_storage: {error}") from None
        self.limiter = SlidingWindowCounterRateLimiter(storage)

    async def take(self, name: str, client: str, amount: int = 1) -> Left | None:
        """Count what a client asks for; `rate-limited` when it is too much."""
        item = self.items[name]
        try:
            taken = await self.limiter.hit(item, client, cost=amount)
            reset, remaining = await self.limiter.get_window_stats(item, client)
        except StorageError as error:
            log.error("the storage of rate limits does not answer: %s", type(error).__name__)
            return None
        left = Left(name, item.amount, max(0, remaining), max(1, math.ceil(reset - time.time())))
        if not taken:
            said = f"{item.amount} {name} a minute are allowed; wait {left.seconds} seconds."
            raise Problem("rate-limited", said, headers={"Retry-After": str(left.seconds)} | headers([left]))
        return left


def headers(lefts: list[Left]) -> dict[str, str]:
    """Write them as the IETF's draft on RateLimit header fields has it."""
    return {
        "RateLimit-Policy": ", ".join(f'"{left.name}";q={left.limit};w=60' for left in lefts),
        "RateLimit": ", ".join(f'"{left.name}";r={left.remaining};t={left.seconds}' for left in lefts),
    }
