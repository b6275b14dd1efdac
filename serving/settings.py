"""What an operator may set: each field is an environment variable `NPSIGHT_<NAME>`."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from serving.observe.logs import LogFormat

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
    body_seconds: PositiveFloat = 30  # in which a body must have arrived: 2 MB over a line of 0.5 Mbit/s
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
    audit_rate: float = Field(default=0, ge=0, le=1)  # share of all verdicts that is drawn for review, flagged or not
    campaign_days: PositiveInt = (
        30  # a near copy of an older case opens a new one, so that an answer does not last for ever
    )
    text_days: PositiveInt = 90  # texts, notes and what finds near copies; long enough for an appeal
    record_days: PositiveInt = 730  # facts of verdicts without text; two years compare a season with the one before
    shadow_release: Path | None = None  # a release folder that judges a share of the posts beside the live one
    shadow_version: str | None = None  # the same, by its version in the registry; `npsight shadow` changes it live
    shadow_share: float = Field(default=0.1, ge=0, le=1)  # enough to see a difference, at a tenth of the work
    database_url: SecretStr | None = (
        None  # sqlite:// or postgresql://, perhaps with a password; None: a file of this user
    )
    database_url_file: Path | None = (
        None  # a file that holds it instead: an environment is easily shown, a secret is not
    )
    requests_per_minute: PositiveInt = 3_000  # of one key, against a loop gone wild; a batch is one request
    posts_per_minute: PositiveInt = (
        120_000  # of one key: twice what two cores read, so that a healthy client never meets it
    )
    rate_limit_storage: str = "memory://"  # a process counts by itself; redis://host:6379 makes all count together
    reference: Path | None = None  # what drift is measured against; None: the release's own, else its first week here
    log_format: LogFormat = LogFormat.PLAIN  # plain for a terminal, json for a log store: one object a line
    otel: bool = False  # traces by OpenTelemetry; the variables OTEL_* say where they go
    metrics_open: bool = False  # whether /metrics answers without a key: only where nobody else reaches the port
    trusted_hosts: Words = ()  # names that the service goes by, also *.example.org; none: any name
    trusted_proxies: Words = ()  # addresses whose X-Forwarded-* headers are believed; none: nobody's
    pause_after: PositiveInt = (
        40  # texts that a reviewer was shown in an hour, after which the console suggests a pause
    )
    cors_origins: Words = ()  # web pages that may call, such as https://console.example.org; none: no page of others

    @property
    def store(self) -> str | None:
        """Give the address of the store with its password."""
        if self.database_url_file:
            return self.database_url_file.read_text(encoding="utf-8").strip()
        return self.database_url.get_secret_value() if self.database_url else None

    @property
    def local(self) -> bool:
        """Say whether only this machine can reach the service."""
        return is_local(self.host)

    @model_validator(mode="after")
    def _one_challenger(self) -> Self:
        if self.shadow_release and self.shadow_version:
            raise ValueError("shadow_release and shadow_version are both set: wanted one of them")
        if self.shadow_version and not self.registry:
            raise ValueError("shadow_version is set without a registry, which would hold that version")
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.posts_per_minute < self.max_posts:
            raise ValueError(
                f"posts_per_minute is {self.posts_per_minute}: wanted max_posts ({self.max_posts}) or more, "
                "or the largest request could never pass"
            )
        if self.text_days > self.record_days:
            raise ValueError(f"text_days is {self.text_days}: wanted no more than record_days ({self.record_days})")
        if self.database_url and self.database_url_file:
            raise ValueError("database_url and database_url_file were both given: wanted one of them")
        return self


def is_local(host: str) -> bool:
    """Say whether an address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
