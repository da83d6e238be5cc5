"""A headless Chromium over its debugging pipe: open a page, click, read, take a picture. Nothing it asks for leaves."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


@dataclass(slots=True)
class Page:
    """One open page, and all it logged and asked for."""

    out: int
    back: int
    session: str = ""
    asked: list[str] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)
    number: int = 0
    rest: bytes = b""

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One command, and its answer; what happens meanwhile is noted."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": params}
        command |= {"sessionId": self.session} if self.session else {}
        os.write(self.out, json.dumps(command).encode() + b"\0")
        while True:
            message = self.receive()
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(message["error"])
                result: dict[str, Any] = message["result"]
                return result
            self.note(message)

    def receive(self) -> dict[str, Any]:
        """The next message."""
        while b"\0" not in self.rest:
            chunk = os.read(self.back, 1 << 20)
            if not chunk:
                raise EOFError
            self.rest += chunk
        one, self.rest = self.rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(one)
        return message

    def note(self, message: dict[str, Any]) -> None:
        """Remember requests, log entries and exceptions."""
        params = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.asked.append(params["request"]["url"])
            case "Log.entryAdded":
                self.logged.append(params["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.logged.append(str(params["exceptionDetails"])[:300])

    def read(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        return self.send("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def until(self, script: str, seconds: float = 20) -> None:
        """Wait until an expression is true."""
        ends = time.monotonic() + seconds
        while not self.read(script):
            if time.monotonic() > ends:
                pytest.fail(f"never true in the page: {script}\n{self.read('document.body.innerText')[:1000]}")
            time.sleep(0.05)

    def click(self, text: str, leads_to: str) -> None:
        """Click the innermost element that shows exactly this text, until an expression is true: the page scrolls by itself
        while it is being laid out, and a click may miss.
        """
        for _again in range(4):
            self.click_once(text)
            ends = time.monotonic() + 5
            while time.monotonic() < ends:
                if self.read(leads_to):
                    return
                time.sleep(0.05)
        self.until(leads_to, 0)

    def click_once(self, text: str) -> None:
        """Click the innermost element that shows exactly this text, where it has come to rest."""
        script = f"""(() => {{
            const said = (e) => e.checkVisibility() && e.innerText?.trim().replace(/\\s+/g, ' ') === {json.dumps(text)};
            const found = [...document.querySelectorAll('*')].filter(said).at(-1);
            found?.scrollIntoView({{ block: 'center' }});
            return found?.getBoundingClientRect().toJSON();
        }})()"""
        place = self.read(script)
        for _again in range(40):  # a page that is still being laid out moves under the pointer
            time.sleep(0.1)
            before, place = place, self.read(script)
            if place is not None and place == before:
                break
        if place is None:
            pytest.fail(f"nothing in the page says {text!r}")
        spot = {"x": place["x"] + place["width"] / 2, "y": place["y"] + place["height"] / 2, "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, **spot)

    def look(self, path: Path, *, width: int = 1440, height: int = 900, scheme: str = "light") -> None:
        """A picture of what is shown."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        time.sleep(0.4)
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    @property
    def outside(self) -> list[str]:
        """Everything the page asked for that is no part of it."""
        self.read("1")
        return [url for url in self.asked if not url.startswith(("file:", "data:", "blob:"))]


@contextmanager
def opened(url: str, profile: Path) -> Iterator[Page]:
    """A page in a Chromium of its own. Every process of it is ended."""
    chromium = shutil.which("chromium")
    assert chromium, "chromium is missing: `make unit` installs it"
    there, out = os.pipe()
    back, here = os.pipe()
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    argv = ["bash", "-c", f'exec "$@" 3<&{there} 4>&{here}', "bash", chromium, "--headless", "--no-sandbox", "--disable-gpu"]
    argv += ["--disable-quic", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--remote-debugging-pipe", *quiet]
    process = subprocess.Popen(
        [*argv, f"--user-data-dir={profile}", "about:blank"],
        pass_fds=(there, here),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(there)
    os.close(here)
    page = Page(out, back)
    try:
        target = page.send("Target.createTarget", url="about:blank")["targetId"]
        page.session = page.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            page.send(f"{domain}.enable")
        page.send("Emulation.setDeviceMetricsOverride", width=1440, height=900, deviceScaleFactor=1, mobile=False)
        page.send("Page.navigate", url=url)
        yield page
    finally:
        page.session = ""
        try:
            page.send("Browser.close")
        except (OSError, EOFError, RuntimeError):
            process.kill()
        process.wait(10)
        os.close(out)
        os.close(back)
