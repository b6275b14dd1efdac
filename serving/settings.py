"""What an operator may set: each field is an environment variable `NPSIGHT_<NAME>`."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MAX_POSTS_CEILING = 4096  # a list of faults for more would cost the event loop seconds and help nobody


def _split(value: Any) -> Any:
    return [word for each in value.split(",") if (word := each.strip())] if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Several words in one variable, with commas between."""


class Settings(BaseSettings):
    """The service's settings; the defaults serve one machine and nobody else."""

    model_config = SettingsConfigDict(env_prefix="NPSIGHT_", frozen=True)

    host: str = "127.0.0.1"  # reachable from this machine only, until somebody decides otherwise
    port: int = Field(default=8000, ge=0, le=65535)
    max_posts: int = Field(default=256, ge=1, le=MAX_POSTS_CEILING)
    max_post_characters: PositiveInt = 10_000
    max_characters: PositiveInt = 200_000  # bounds what one request may hold a thread for
    max_body_bytes: PositiveInt = 2_000_000
    workers: PositiveInt = 1  # processes, each with a network of its own
    threads: PositiveInt | None = None  # of the network; None: one a core, shared out among the workers
    batch_posts: PositiveInt = 64  # most posts in one run of the network; larger is no faster on a CPU
    runs_at_once: PositiveInt = 1  # runs of the network together in one process; each is spread over its threads
    queue_posts: PositiveInt = 2048  # posts that may wait; beyond them a request is refused with 429
    deadline_seconds: PositiveFloat = 10  # what has waited longer is given up with 503
    shutdown_seconds: float = Field(default=15, ge=2)  # in which what was accepted is still answered
    watch_seconds: PositiveFloat = 1  # between two looks at what may change while serving
    release: Path | None = None  # a release folder; None: the one that the package ships
    registry: Path | None = None  # a registry folder, whose live release is served instead
    policies: Path | None = None  # a folder of policies over the release's own, each file named as its policy
    terms: Path | None = None  # a TSV of terms over the release's lexicon: `npsight lexicon add` and `retire` write it
    reference: Path | None = None  # counts of ordinary posts to measure drift against; None: the release's own, if any
    database_url: SecretStr | None = (
        None  # sqlite:// or postgresql://, perhaps with a password; None: a file of this user
    )
    requests_per_minute: PositiveInt = 3_000  # of one key, against a loop gone wild; a batch is one request
    posts_per_minute: PositiveInt = (
        120_000  # of one key: twice what two cores read, so that a healthy client never meets it
    )
    rate_limit_storage: str = "memory://"  # a process counts by itself; redis://host:6379 makes all count together
    trusted_hosts: Words = ()  # names that the service goes by, also *.example.org; none: any name
    trusted_proxies: Words = ()  # addresses whose X-Forwarded-* headers are believed; none: nobody's
    pause_after: PositiveInt = (
        40  # texts that a reviewer was shown in an hour, after which the console suggests a pause
    )
    cors_origins: Words = ()  # web pages that may call, such as https://console.example.org; none: no page of others

    @property
    def store(self) -> str | None:
        """Give the address of the store with its password."""
        return self.database_url.get_secret_value() if self.database_url else None

    @property
    def local(self) -> bool:
        """Say whether only this machine can reach the service."""
        return is_local(self.host)

    @model_validator(mode="after")
    def _one_request_fits(self) -> Self:
        if self.posts_per_minute < self.max_posts:
            raise ValueError(
                f"posts_per_minute is {self.posts_per_minute}: wanted max_posts ({self.max_posts}) or more, "
                "or the largest request could never pass"
            )
        return self


def is_local(host: str) -> bool:
    """Say whether an address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
