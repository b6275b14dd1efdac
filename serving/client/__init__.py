"""A client of the HTTP API, sync and async: `from npsight import Client`. It needs httpx and nothing of the service."""

from serving.client.calls import Judged
from serving.client.clients import AsyncClient, Client
from serving.client.errors import AnswerError, ApiError, ClientError, UnreachableError
from serving.client.exchange import Limits, Patience

__all__ = [
    "AnswerError",
    "ApiError",
    "AsyncClient",
    "Client",
    "ClientError",
    "Judged",
    "Limits",
    "Patience",
    "UnreachableError",
]
