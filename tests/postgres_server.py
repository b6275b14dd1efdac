"""A PostgreSQL of the tests' own: in a folder of theirs, on a socket there, gone when they end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest

MISSING = "PostgreSQL is missing: `.ci/postgres python` installs it (Debian's package or the wheel pgserver)"


class Server:
    """A server that a test may stop and start again; `socket` is the folder of its socket."""

    def __init__(self, folder: Path) -> None:
        self.socket = str(folder)
        self._folder, self._user = folder, _user(folder)
        made = [_program("initdb"), "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd=folder, **self._user)
        self.start()

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def start(self) -> None:
        # Nothing of it must outlive the tests, so it need not reach the disk.
        settings = ["fsync=off", f"unix_socket_directories={self.socket}", "listen_addresses=", "max_connections=50"]
        command = [_program("postgres"), "-D", self._data, *(word for each in settings for word in ("-c", each))]
        with (self._folder / "log").open("a") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder, **self._user)
        _wait(self._process, self._folder)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGQUIT)  # at once: SIGTERM would wait for connections that tests left open
        self._process.wait(30)


@contextmanager
def postgres_server() -> Iterator[Server]:
    """Run a server."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # the path of a socket may have 107 bytes
    server = None
    try:
        server = Server(folder)
        yield server
    finally:
        if server:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def new_database(socket: str, name: str) -> str:
    """Make an empty database and give its address."""
    with psycopg.connect(f"host={socket} user=postgres dbname=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"postgresql://postgres@/{name}?host={socket}"


def _program(name: str) -> str:
    found = shutil.which(name) or next(map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))[::-1]), None)
    wheel = find_spec("pgserver")
    if not found and wheel and wheel.origin:
        found = str(Path(wheel.origin).parent / "pginstall" / "bin" / name)
    if not found:
        pytest.fail(MISSING)
    return found


def _user(folder: Path) -> dict[str, Any]:
    """Give the folder to who runs the server: it refuses to run as root."""
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _wait(server: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            psycopg.connect(f"host={folder} user=postgres dbname=postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"PostgreSQL did not start: {(folder / 'log').read_text()[-2000:]}")
