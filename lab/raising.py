"""`up` and `down`: from nothing to a lab whose every part answers, and back to nothing."""

from __future__ import annotations

import socket
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from lab import cell, estate, furnish, hosts, image, keys, machine, places
from lab.commands import until
from lab.furnish import Plan, Tree
from voxgate.errors import VoxgateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.cell import Cell
    from lab.estate import Host

REAPED = 8  # seconds `down` waits until even the dead are off the process list
READY = 120  # seconds until what a host starts at boot must answer: from a cold disk, beside another lab that boots
IMAGES = {"livekit/livekit-server:v1.9": "livekit", "livekit/sip:v1.2": "livekit"}


def up(say: Callable[[str], None]) -> None:
    """Raise the lab; return when every part of it answers. A lab that is up from the same recipe is left as it is, but for hosts
    that are off: they are booted. One from another recipe is taken down only after it was said what is lost, and where somebody
    can be asked, after a yes.
    """
    start = time.monotonic()
    with machine.locked(places.LOCK, say):
        cell.must_be_alone()
        mark = f"{furnish.fingerprint()}-{image.mark()}"
        running = cell.current()
        if running and not _why_not(running, mark):
            _must_be_on(say)
            fresh = [host.name for host in estate.hosts() if furnish.probe(Tree(running.tree(host.name)))]
            say(f"up already; probe refreshed on {', '.join(fresh)}" if fresh else "up already")
            return
        if running:
            _must_be_meant(running, _why_not(running, mark), say)
        cell.stop()
        # Labs beside each other share what is made once: one of them makes it.
        with machine.locked(places.cache_lock(), say):
            machine.ensure_packages(say)
            machine.ensure_limits(say)
            image.build(say)
            plan = _plan()
        _raise(mark, plan, say)
        say(f"up in {time.monotonic() - start:.1f} s")


def down(say: Callable[[str], None]) -> None:
    """Take everything of the lab down."""
    with machine.locked(places.LOCK, say):
        was = cell.current()
        cell.stop(reaped=REAPED)
        say("down" if was else "was not up")


def _why_not(running: Cell, mark: str) -> str:
    """Why the running lab cannot stay as it is; nothing where it can."""
    if not running.ready:
        return "it is half up"
    if running.fingerprint != mark or running.cache != str(places.cache()):
        return "it is from another recipe (another checkout, or an edited one)"
    return ""


def _must_be_on(say: Callable[[str], None]) -> None:
    """Boot what is off, and see that all of it can be reached from here. Raises VoxgateError."""
    for host in estate.hosts():
        if hosts.leader(host.name) is None:
            say(f"{host.name:8} was off; {_bring_up(host, again=True):.1f} s")
    silent = [host.name for host in estate.hosts() if not answers(host)]
    if silent:
        raise VoxgateError(
            "does not answer on the network",
            where=", ".join(silent),
            hint="uv run lab exec HOST journalctl -b says why; uv run lab down, and up, makes all of it anew",
        )


def _must_be_meant(running: Cell, why: str, say: Callable[[str], None]) -> None:
    """Say what is lost, and where somebody can be asked, ask. Raises VoxgateError for a no."""
    say(f"taking the old lab down: {why}")
    if not running.ready:
        return
    say("lost with it: what was deployed there with its history, and all that was done on its hosts by hand")
    if sys.stdin.isatty() and sys.stdout.isatty() and input("take it down? [y/N] ").strip().lower() not in {"y", "yes"}:
        raise VoxgateError("it stays as it is", where="lab", hint="looking works as it is: make verify, plan, history")


def answers(host: Host) -> bool:
    """Whether its sshd can be reached from here."""
    return _says(host.address, 22, b"", b"SSH-2.0")


def _plan() -> Plan:
    all_hosts = estate.hosts()
    made = keys.ensure(all_hosts)
    return Plan(all_hosts, made, keys.planted(all_hosts, furnish.known_values(all_hosts)))


def _raise(mark: str, plan: Plan, say: Callable[[str], None]) -> None:
    all_hosts = plan.hosts
    places.broken().unlink(missing_ok=True)  # that went with the lab before
    new = cell.start(mark)
    trees = {host.name: Tree(new.tree(host.name)) for host in all_hosts}
    for host in all_hosts:
        hosts.mount(new, host, list(reversed(image.stack(host.release))))
        furnish.furnish(trees[host.name], host, plan)
        furnish.probe(trees[host.name])
    furnish.repositories(trees, plan)
    for host in all_hosts:
        for service in host.services:
            furnish.settings(trees[host.name], host, service, plan)
    say(f"{len(all_hosts)} hosts furnished")
    with ThreadPoolExecutor(len(all_hosts)) as pool:
        coming = {pool.submit(_bring_up, host): host for host in all_hosts}
        for come in as_completed(coming):
            host = coming[come]
            say(f"{host.name:8} {host.address:15} answers after {come.result():.1f} s")
    replace(new, ready=True).save()


def _bring_up(host: Host, *, again: bool = False) -> float:
    """Boot it and wait until it answers; seconds. ``again``: all that it needs is on its disk."""
    start = time.monotonic()
    hosts.boot_host(host.name)
    if host.units and not again:
        hosts.must(host.name, ["systemctl", "enable", "--quiet", *host.units], deadline=READY)
    if host.role == "sip" and not again:
        _containers(host)
    for what, is_there in _signs(host).items():
        until(
            is_there,
            deadline=READY,
            where=host.name,
            what=f"{what} does not answer",
            hint=f"uv run lab exec {host.name} journalctl -b",
        )
    return time.monotonic() - start


def _containers(host: Host) -> None:
    """The engine's images and the compose stack, as an operator brings them up once."""
    for name, archive in IMAGES.items():
        hosts.must(host.name, ["docker", "import", f"/opt/livekit/images/{archive}.tar", name], deadline=READY)
    up = ["docker", "compose", "-f", "/opt/livekit/docker-compose.yml", "up", "--detach", "--quiet-pull"]
    hosts.must(host.name, up, deadline=READY)


def _signs(host: Host) -> dict[str, Callable[[], bool]]:
    """What must answer, asked from this machine."""
    at = host.address
    signs: dict[str, Callable[[], bool]] = {"sshd": lambda: _says(at, 22, b"", b"SSH-2.0")}
    match host.role:
        case "data":
            signs["redis"] = lambda: _says(at, 6379, b"PING\r\n", b"+PONG")
            signs["mongod"] = lambda: _says(at, 27017, b"", b"")
            signs["s3"] = lambda: _says(at, 9000, b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.")
        case "api":
            signs["nginx"] = lambda: _says(at, 80, b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.1 ")
            signs["haproxy"] = lambda: _says(at, 8100, b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.")
        case "sip":
            signs["livekit"] = lambda: _body(f"http://{at}:7880/") == b"OK"
            signs["livekit-sip"] = lambda: _says(at, 5060, b"", b"")
    return signs


def _says(address: str, port: int, ask: bytes, start: bytes) -> bool:
    with suppress(OSError), socket.create_connection((address, port), timeout=2) as line:
        if ask:
            line.sendall(ask)
        return not start or line.recv(len(start)) == start
    return False


def _body(url: str) -> bytes:
    with suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
        return bytes(answer.read(64))
    return b""
