"""One question, or a gate's channel: requests come in line by line, each is answered by a line."""

from __future__ import annotations

import json
import os
import select
import signal
import threading
import time
from typing import Any, Dict, List

from voxgate.deploy.on_host.looking import read
from voxgate.deploy.on_host.owner import Fenced, Held, Owner

ROOM = 64 << 10  # bytes of requests that are read at once
LOOK = 1.0  # seconds between two looks whether the gate is still there
SILENCE = 20.0  # seconds without a word from the gate, after which it is gone, or asleep
LEAVE_AFTER = 300.0  # seconds for the last restart to end by itself and to be noted, once the gate is gone


class Channel:
    """The gate's channel to the owner here. Every line of ours begins with ``word``."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.owner = Owner()
        self.speech = threading.Lock()
        self.threads: List[threading.Thread] = []

    def answer(self, request: Dict[str, Any]) -> None:
        """One request, one line back."""
        words: Dict[str, Any] = {"id": request["id"]}
        own = self.owner
        try:
            work = {"claim": own.claim, "do": own.do, "mark": own.mark, "cancel": own.cancel, "tidy": own.tidy}
            words["ok"] = work[request["op"]](request)
        except Held as other:
            words["held"] = json.loads(str(other))
        except Fenced as fence:
            words["fenced"] = str(fence)
        except Exception as error:  # noqa: BLE001 - whatever it is, who asked must hear it
            words["error"] = "%s: %s" % (type(error).__name__, error)
        self.say(words)

    def say(self, words: Dict[str, Any]) -> None:
        """One whole line. A gate that is gone hears nothing; what was done is in the journal."""
        with self.speech:
            try:
                print_line(self.word, words)
            except OSError:
                self.owner.closing = True

    def serve(self) -> None:
        """Work until the gate is gone: its channel closed, or nothing heard from it for too long."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        heard, rest = time.monotonic(), b""
        while not self.owner.closing and time.monotonic() - heard < SILENCE:
            if not select.select([0], [], [], LOOK)[0]:
                continue
            data = os.read(0, ROOM)
            if not data:
                break
            heard = time.monotonic()
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                request = json.loads(line)
                if request["id"] == 0:
                    self.say({"id": 0})
                    continue
                thread = threading.Thread(target=self.answer, args=(request,), daemon=True)
                thread.start()
                self.threads.append(thread)
        self.owner.closing = True
        self.owner.cancel({})
        until = time.monotonic() + LEAVE_AFTER
        for thread in self.threads:
            thread.join(until - time.monotonic())  # not at all where it is over


def print_line(word: str, words: Dict[str, Any]) -> None:
    """One line, all of it, behind the gate's own word: what a startup file prints has none."""
    left = ("%s %s\n" % (word, json.dumps(words))).encode("utf-8")
    while left:
        left = left[os.write(1, left) :]


def main(request: Dict[str, Any]) -> None:
    """Answer one question, ``{"ok": ...}`` or ``{"error": text}`` on stdout, or serve until the gate is gone."""
    if request["op"] == "serve":
        Channel(request["mark"]).serve()
        return
    try:
        answer: Dict[str, Any] = {"ok": read(request)}
    except (OSError, ValueError, KeyError) as error:
        answer = {"error": "%s: %s" % (type(error).__name__, error)}
    print_line(request["mark"], answer)
