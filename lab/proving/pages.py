"""A forged service on a lab host: pages from a folder, and whatever is not there asked from the real one. Runs alone.

Arguments: the real port, the port to answer on, the folder. ``/health`` is the file ``_health``.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KINDS = {"health": "application/json", "metrics": "text/plain; version=0.0.4; charset=utf-8"}


class Page(BaseHTTPRequestHandler):
    """Answers GET."""

    def do_GET(self) -> None:
        """A forged page, or the real one."""
        forged = FOLDER / self.path.replace("/", "_")
        if self.path == "/":
            status, kind, body = 200, "text/plain", b"forged"
        elif forged.exists():
            kind = next((kind for word, kind in KINDS.items() if word in self.path), "text/plain")
            status, body = 200, forged.read_bytes()
        else:
            status, kind, body = self.real()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def real(self) -> tuple[int, str, bytes]:
        """The real service, by another address of this host: only loopback is redirected."""
        try:
            answer = urllib.request.urlopen(f"http://127.0.0.2:{REAL}{self.path}", timeout=5)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers.get("Content-Type", ""), answer.read()


if __name__ == "__main__":
    REAL, FOLDER = int(sys.argv[1]), Path(sys.argv[3])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Page).serve_forever()
