"""The service behind a real socket, in a thread: what no test client sends can be sent to it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from serving.run import server_options
from serving.settings import Settings


@contextmanager
def listening(app: FastAPI, settings: Settings) -> Iterator[int]:
    """Serve an app as `npsight serve` does and give its port."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(2048)  # as uvicorn does: many may come at once
        server = uvicorn.Server(uvicorn.Config(app, **server_options(settings)))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            yield bound.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(30)


def say(port: int, *parts: bytes, end: bool = False, seconds: float = 20, pause: float = 0) -> bytes:
    """Send bytes as they are and give all that comes back until the server closes; `end` closes our half first."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        try:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
            if end:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it closed before we were through, which is an answer too
        return b"".join(_received(connection))


def _received(connection: socket.socket) -> Iterator[bytes]:
    try:
        while part := connection.recv(65536):
            yield part
    except ConnectionResetError:
        return


def request(method: str, path: str, body: bytes = b"", **headers: Any) -> bytes:
    """Write one request after which the server is to close."""
    given = {"Host": "127.0.0.1", "Connection": "close", "Content-Type": "application/json"}
    given |= {"Content-Length": str(len(body))} if body else {}
    given |= {name.replace("_", "-"): str(value) for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


def statuses(answer: bytes) -> list[int]:
    """List the status of each answer that came over one connection."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]
