"""A plugin for drills: one host is somebody else's. ``VOXGATE_GARBLE=host:phase``: asked to do a step of that phase, it answers
with something that no gate's part says.
"""

from __future__ import annotations

import os

from voxgate.deploy.hosts.speaking import Speech

# The answer. Which others are of no form, unit tests ask of many.
_SAID = '{"results": {"exit": "0"}}'
_ON_HOST = """
import socket
_answer = Channel.answer
def _theirs(self, request):
    if request["op"] != "do" or socket.gethostname() != HOST or request["journal"]["phase"] != PHASE:
        return _answer(self, request)
    left = ('%s {"id": %d, "ok": ' % (self.word, request["id"]) + SAID + "}\\n").encode()
    while left:
        left = left[os.write(1, left):]
Channel.answer = _theirs
"""
_source = Speech.source


def pytest_configure() -> None:
    """Put our part behind the gate's own, on its way to the hosts."""
    if os.environ.get("VOXGATE_GARBLE"):
        Speech.source = _garbled  # type: ignore[method-assign]


def _garbled(self: Speech, request: dict[str, object]) -> bytes:
    host, phase = os.environ["VOXGATE_GARBLE"].split(":")
    program, _, call = _source(self, request).decode().rpartition("\nmain(")
    theirs = _ON_HOST.replace("HOST", repr(host)).replace("PHASE", repr(phase)).replace("SAID", repr(_SAID))
    return f"{program}\n{theirs}\nmain({call}".encode()
