"""Asking a service at one address, as the gate would and as nobody should."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from voxgate.errors import Refused
from voxgate.model.answers import Answer
from voxgate.model.look import Look, Question
from voxgate.survey.answers import Page, read_page
from voxgate.transport.at_once import at_once
from voxgate.transport.deadline import Deadline

DEADLINE = 5.0  # seconds for one answer
LIMIT = 1024 * 1024  # bytes of one answer
Headers = Sequence[tuple[str, str]]
PLAIN: Headers = (("connection", "close"), ("accept-encoding", "identity"), ("user-agent", "voxgate"))


@dataclass(frozen=True, slots=True)
class Asker:
    """One address: ``http://127.0.0.1:8080``. Every question is asked on a connection of its own. ``patience`` is by how much
    each time that is promised is longer here.
    """

    host: str
    port: int
    patience: float = 1.0

    @classmethod
    def at(cls, url: str, patience: float = 1.0) -> Asker:
        """Raises Refused for anything but http://HOST:PORT."""
        try:
            found = urlsplit(url)
            port = found.port or 80
        except ValueError:
            found, port = urlsplit(""), 0
        if (
            found.scheme != "http"
            or not found.hostname
            or not port
            or found.path not in {"", "/"}
            or found.query
            or found.username
        ):
            raise Refused("--at is no address of a service", where=url[:100], hint="--at http://127.0.0.1:8080")
        return cls(found.hostname, port, patience)

    @property
    def url(self) -> str:
        """``http://127.0.0.1:8080``."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def deadline(self) -> float:
        """Seconds for one answer."""
        return DEADLINE * self.patience

    def ask(self, path: str, method: str = "GET", headers: Headers = (), body: bytes = b"") -> Answer:
        """One answer, whatever comes, and be it byte by byte; what kept the service from giving one is its ``trouble``."""
        asked = time.time()

        def ask(path: str) -> Answer:
            return self._answer(path, method, headers, body)

        answer = at_once([path], ask, limit=1, deadline=Deadline.after(self.deadline))[path]
        if isinstance(answer, TimeoutError):
            return Answer(self.host, self.port, path, 0, {}, b"", self.deadline, asked, "its answer is too long, or never ends")
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _answer(self, path: str, method: str, headers: Headers, body: bytes) -> Answer:
        asked, began = time.time(), time.monotonic()
        where = self.host, self.port, path
        try:
            with (
                httpx.Client(trust_env=False, timeout=self.deadline) as client,
                client.stream(method, self.url + path, headers=[*PLAIN, *headers], content=body or None) as came,
            ):
                content = bytearray()
                for piece in came.iter_raw(65536):
                    content += piece
                    if len(content) > LIMIT:
                        why = "its answer is too long, or never ends"
                        return Answer(*where, came.status_code, {}, b"", self.deadline, asked, why)
                said = {name.lower(): value for name, value in came.headers.items()}
                return Answer(*where, came.status_code, said, bytes(content), time.monotonic() - began, asked)
        except httpx.TimeoutException:
            return Answer(*where, 0, {}, b"", time.monotonic() - began, asked, f"no answer within {self.deadline:.0f} s")
        except (httpx.HTTPError, OSError) as error:
            why = str(error) or type(error).__name__
            return Answer(*where, 0, {}, b"", time.monotonic() - began, asked, why)

    def page(self, path: str, schema: str | None) -> Page:
        """One JSON page, read as the gate reads it."""
        question = Question(self.host, self.port, path)
        return read_page(Look(0.0, {}, {question: self.ask(path)}, {}), question, schema)

    def raw(self, said: bytes) -> bytes:
        """What comes back for these bytes, up to a line; empty where the connection is closed. Raises OSError where nobody
        listens or nothing comes.
        """
        with socket.create_connection((self.host, self.port), timeout=self.deadline) as way:
            way.sendall(said)
            try:
                return way.recv(256).partition(b"\r\n")[0]
            except ConnectionResetError:
                return b""

    def timed(self, said: bytes) -> tuple[bytes, float]:
        """The same, and the seconds that it took."""
        began = time.monotonic()
        return self.raw(said), time.monotonic() - began

    def listens(self) -> bool:
        """True if somebody takes a connection there."""
        try:
            with socket.create_connection((self.host, self.port), timeout=self.deadline):
                return True
        except OSError:
            return False
