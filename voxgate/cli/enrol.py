"""``voxgate enrol``: make a host ready for the gate. It prints what root types there, or checks what is done already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from voxgate.contracts.unit_files import UnitFiles
from voxgate.errors import EstateError, VoxgateError, visible
from voxgate.model.counting import counted
from voxgate.model.estate import Estate, Host
from voxgate.model.nearest import nearest
from voxgate.moves import enrolment
from voxgate.report.terminal.stream import CutStream
from voxgate.transport.local import run
from voxgate.transport.ssh.connections import Connections

DEADLINE = 60.0
SSH_PORT = 22


def enrol(estate: Estate, names: list[str], *, check: bool, out: CutStream, raw: TextIO) -> int:
    """The script for one host (``enrol HOST | ssh YOU@HOST sudo bash``), or with ``check`` what is done on some, or all. It ends
    with 0, or with 1 where something is left to do. The script goes to ``raw`` as it is: programs in it are packed, and
    nothing in it is a secret. Raises VoxgateError.
    """
    hosts = [_host(estate, name) for name in names] or list(estate.hosts)
    files = UnitFiles(Path(estate.source).parent).of_all(estate.services)
    if not check:
        if len(hosts) != 1:
            known = ", ".join(host.name for host in hosts)
            raise VoxgateError("one host at a time", where="enrol", hint=f"voxgate enrol HOST --estate {estate.name}: {known}")
        raw.write(enrolment.script(estate, hosts[0], files))
        return 0
    left = 0
    with Connections(estate) as connections:
        for host in hosts:
            left += _check(estate, host, files, connections, out)
    return 1 if left else 0


def _check(estate: Estate, host: Host, files: dict[str, bytes], connections: Connections, out: CutStream) -> int:
    """Say of each need of a host whether it is done; how many are not."""
    wanted = enrolment.needs(estate, host, files)
    try:
        done = connections[host.name].run(enrolment.checks(estate, host, files), deadline=DEADLINE)
    except VoxgateError as error:
        out.write(f"{host.name}: {error.line}\n" + (f"  {error.hint}\n" if error.hint else ""))
        return 1
    return tell(estate, host, wanted, done.stdout, out)


def tell(estate: Estate, host: Host, wanted: Sequence[enrolment.Need], stdout: bytes, out: CutStream) -> int:
    """Say of each need what a host answered, of a host that is ready that alone; how many are not done. One that answers anything
    else is not ready.
    """
    said = stdout.decode(errors="replace").split()
    if len(said) != len(wanted):
        out.write(f"{host.name}: says something else than what was asked: {counted(len(said), 'answer')}\n")
        return 1
    left = sum(state != "done" for state in said)
    if not left:
        out.write(f"{host.name} ({host.address}): ready, {counted(len(said), 'thing is', 'things are')} done\n")
        return 0
    out.write(f"{host.name} ({host.address})\n")
    for need, state in zip(wanted, said, strict=True):
        out.write(f"  {'done   ' if state == 'done' else 'not yet'}  {need.about}\n")
    out.write(f"  {left} left: uv run voxgate enrol {host.name} --estate {estate.name} | ssh YOU@{host.address} sudo bash\n")
    return left


def update(estate: Estate, names: list[str], out: CutStream) -> int:
    """Bring the probe and the builder of this voxgate to hosts that have others, by ``ssh ADMIN@HOST sudo bash``: to those named,
    or all that have a probe. It ends with 0, or with 1 where one could not be brought. Raises EstateError where the estate names
    no account for that.
    """
    if estate.admin is None:
        hint = 'admin = "ops" in [estate]: an account of yours that may become root by sudo; or enrol each host again'
        raise EstateError("says nobody who may bring programs", where=f"hosts/{estate.name}.toml", hint=hint)
    hosts = [_host(estate, name) for name in names] or [host for host in estate.hosts if host.probe == "installed"]
    files = UnitFiles(Path(estate.source).parent).of_all(estate.services)
    failed = 0
    with Connections(estate) as connections:
        for host in hosts:
            script, is_there = enrolment.update(estate, host, files)
            try:
                if connections[host.name].run(is_there, deadline=DEADLINE).exit_status == 0:
                    out.write(f"{host.name}: is as this voxgate has it\n")
                    continue
                done = run(as_root(estate, host), deadline=DEADLINE, stdin=script.encode())
                now = done.exit_status == 0 and connections[host.name].run(is_there, deadline=DEADLINE).exit_status == 0
            except VoxgateError as error:
                out.write(f"{host.name}: {error.line}\n")
                failed += 1
                continue
            said = heard(done.stdout + done.stderr)
            for line in said if now else said[-1:] or ["nothing was said"]:
                out.write(f"{host.name}: {'' if now else 'could not be brought: '}{line}\n")
            failed += not now
    return 1 if failed else 0


def heard(said: bytes) -> list[str]:
    """The lines that a host said, as they may be shown."""
    return [visible(line.rstrip("\r")) for line in said.decode(errors="replace").split("\n") if line.strip()]


def as_root(estate: Estate, host: Host) -> list[str]:
    """The command that runs a script from stdin as root there, by the estate's administrator: nobody is asked anything, and only
    a pinned key is taken. Whatever the administrator's own settings say, the host gets no agent and no way back: it may be one
    that was taken over.
    """
    options = {
        "BatchMode": "yes",
        "ClearAllForwardings": "yes",
        "ControlPath": "none",
        "ForwardAgent": "no",
        "ForwardX11": "no",
        "GSSAPIDelegateCredentials": "no",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(Path(estate.known_hosts).expanduser()),
    }
    config = ["-F", str(Path(estate.ssh_config).expanduser())] if estate.ssh_config else []
    said = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    port = ["-p", str(host.port)] if host.port != SSH_PORT else []
    return ["ssh", *config, *said, *port, f"{estate.admin}@{host.address}", "sudo", "-n", "/bin/bash"]


def _host(estate: Estate, name: str) -> Host:
    known = [host.name for host in estate.hosts]
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean {near}?" if near else f"hosts: {', '.join(known)}"
        raise EstateError("is no host of this estate", where=f"enrol {name}", hint=hint)
    return estate.host(name)
