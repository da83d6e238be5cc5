"""A service to be asked: a backend or a dialler as they promise to be, or not, as the words of its command line say."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import sys
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

KIND, PORT, FLAWS = sys.argv[1], int(sys.argv[2]), set(sys.argv[3:])
REQUIRED = {
    "backend": ("MONGODB_URI", "REDIS_URL", "S3_ENDPOINT", "JWT_SECRET"),
    "dialler": ("MONGODB_URI", "DIALLER_TICK_SECONDS"),
}
NAME = "vox-other" if "another-name" in FLAWS else f"vox-{KIND}"
if "tells-its-secrets" in FLAWS:
    NAME = os.environ["JWT_SECRET"] + str(urlsplit(os.environ["MONGODB_URI"]).password)
STARTED = datetime.now(UTC)
PACE = 0.2
asked = itertools.count()


def store_is_there() -> bool:
    at = urlsplit(os.environ["MONGODB_URI"])
    try:
        socket.create_connection((at.hostname or "", at.port or 0), timeout=1).close()
    except OSError:
        return False
    return True


def page() -> dict[str, Any]:
    started = STARTED.replace(tzinfo=None) if "no-zone" in FLAWS else STARTED
    who: dict[str, Any] = {
        "status": "ok",
        "service": NAME,
        "version": "1",
        "commit": "unknown" if "no-commit" in FLAWS else "a" * 40,
        "pid": os.getpid() + (next(asked) % 2 if "two-processes" in FLAWS else 0),
        "started_at": started.isoformat(),
    }
    if KIND == "backend":
        return {**who, "checks": dict.fromkeys(("mongodb", "redis", "s3", "livekit"), "ok")}
    fast = 9 if "ticks-nine-times" in FLAWS else 0 if "does-not-tick" in FLAWS else 1
    ticks = int((datetime.now(UTC) - STARTED).total_seconds() / PACE * fast)
    last = datetime.now(UTC).isoformat()
    return {**who, "database": "vox", "ticks": ticks, "last_tick_at": last, "tick_interval_seconds": PACE}


class Handler(BaseHTTPRequestHandler):
    """What it answers."""

    def answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        """One answer, whole."""
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        """Its pages."""
        if self.path == "/health":
            if "slow" in FLAWS:
                time.sleep(2.5)
            if "believes-nobody" not in FLAWS and not store_is_there():
                self.answer(503, json.dumps({"status": "unwell", "checks": {"mongodb": "unreachable"}}).encode())
                return
            said = json.dumps(page()).encode()
            self.answer(200, said[:-1] if "cut" in FLAWS else said, "text/html" if "html" in FLAWS else "application/json")
        elif self.path == "/metrics" and KIND == "dialler":
            ticks = "voxdialler_ticks" if "counter-without-total" in FLAWS else "voxdialler_ticks_total"
            placed = "dialler_calls_total" if "other-metrics" in FLAWS else "voxdialler_calls_placed_total"
            types = {ticks: "counter", placed: "counter", "voxdialler_last_tick_timestamp_seconds": "gauge"}
            text = "".join(f"# HELP {name} Said.\n# TYPE {name} {kind}\n{name} 7\n" for name, kind in types.items())
            self.answer(200, text.encode(), "text/plain; version=0.0.4")
        elif self.path == "/openapi.json" and KIND == "backend":
            operation = {"get": {"responses": {"200": {"description": "Well", "content": {"application/json": {"schema": {}}}}}}}
            paths = ("/health",) if "no-ping" in FLAWS else ("/health", "/api/ping")
            said = json.dumps({"openapi": "3.1.0", "paths": dict.fromkeys(paths, operation)}).encode()
            self.answer(200, said)
        elif self.path == "/api/ping" and KIND == "backend":
            self.answer(200, b'{"pong": true}', "text/plain" if "another-ping" in FLAWS else "application/json")
        else:
            self.answer(200 if "anything-is-found" in FLAWS else 404, b'{"detail":"Not Found"}')

    def do_HEAD(self) -> None:
        """Not offered."""
        if "head-fails" in FLAWS:
            self.answer(500, b"")
        else:
            self.answer(405, b"")

    def log_message(self, *_: object) -> None:
        """Nothing."""


for name in REQUIRED[KIND]:
    if not os.environ.get(name) and f"starts-without-{name}" not in FLAWS:
        sys.exit("a setting is missing" if "names-no-setting" in FLAWS else f"missing: {name}")
if "prints-a-secret" in FLAWS:
    print("started with", os.environ["JWT_SECRET"])  # noqa: T201 - the flaw
if "ends" in FLAWS:
    sys.exit(3)
signal.signal(signal.SIGTERM, signal.SIG_IGN if "stays" in FLAWS else lambda *_: sys.exit(0))
ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
