"""A server on loopback that speaks as much of Bitbucket's API as the gate uses, in good and in bad days."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, unquote

TOKEN = "a-token-in-plain-words"


@dataclass
class Forge:
    """What it was asked, and what it answers; ``bad_days`` are answered first: status, headers, body, seconds of silence."""

    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    bad_days: list[tuple[int, dict[str, str], bytes, float]] = field(default_factory=list)
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    downloads: dict[str, bytes] = field(default_factory=dict)
    pages: int = 1
    url: str = ""

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes, float]:
        """What one request is answered."""
        self.asked.append((method, path, headers, body))
        if self.bad_days:
            return self.bad_days.pop(0)
        if method == "GET" and path.startswith("/elsewhere/"):  # where its files lie: nobody shows it a token
            return 200, {}, self.downloads[unquote(path.rpartition("/")[2])], 0
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {}, b'{"type": "error", "error": {"message": "Token is invalid"}}', 0
        if method == "POST" and path.endswith("/statuses/build"):
            said = json.loads(body)
            self.statuses[said["key"]] = said
            return 201, {}, json.dumps(said).encode(), 0
        if method == "POST" and path.endswith("/downloads"):
            head, _, rest = body.partition(b"\r\n\r\n")
            name = head.decode().partition('filename="')[2].partition('"')[0]
            assert 'name="files"' in head.decode()
            self.downloads[name] = rest.rpartition(b"\r\n--")[0]
            return 201, {}, b"", 0
        if method == "GET" and "/downloads/" in path and (name := unquote(path.rpartition("/")[2])) in self.downloads:
            return 302, {"location": f"{self.url}/elsewhere/{quote(name)}"}, b"", 0
        if "/statuses" in path:
            page: dict[str, Any] = {"values": list(self.statuses.values())}
            self.pages -= 1
            if self.pages > 0:
                page["next"] = f"{self.url}{path.partition('?')[0]}?page=2"
            return 200, {}, json.dumps(page).encode(), 0
        return 404, {}, b'{"error": {"message": "Commit not found"}}', 0


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Forge]:
    """One forge on a free port of loopback, until the end of the block; with a context by TLS."""
    found = Forge()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more, said, silent = found.answer(self.command, self.path, headers, body)
            time.sleep(silent)  # a server that is slow to answer: the time is what the test is about
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {**more, "Content-Length": str(len(said))}.items():
                self.send_header(name, value)
            with suppress(OSError):  # who asked may have given up meanwhile
                self.end_headers()
                self.wfile.write(said)

        do_GET = do_POST  # noqa: N815 - the server's words

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    found.url = f"http{'s' if context else ''}://127.0.0.1:{server.server_port}"
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
