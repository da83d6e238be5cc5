"""Container engines and all that they hold."""

from __future__ import annotations

import json
import os
import re
import socket
from typing import Any, Iterator

from voxgate.probe.base import Job, Trouble
from voxgate.probe.believing import believed, called, others_change
from voxgate.probe.processes import descendants
from voxgate.probe.reading import rows_of
from voxgate.probe.sockets import socket_holders
from voxgate.probe.text import names_in
from voxgate.probe.turn import aside
from voxgate.probe.unix_sockets import answer_of, listener_of

# Where an engine is asked, the process that must run for it, and what its own sockets are called.
ENGINES = {
    "docker": ("/run/docker.sock", "dockerd", ("docker", "containerd")),
    "podman": ("/run/podman/podman.sock", "podman", ("podman",)),
}
ENGINE_COMMANDS = {
    "dockerd", "containerd", "podman", "crio", "conmon", "buildkitd", "lxd", "lxc-start", "lxcfs", "incusd",
    "systemd-nspawn", "kubelet",
}  # fmt: skip
ENGINE_SOCKETS = re.compile(r"/(?:docker|podman|containerd|crio|cri-dockerd|lxd|incus|buildkit)[^/]*/?[^/]*\.sock(?:et)?$")
# LXD comes with Ubuntu, asleep: systemd listens in its place. It holds something where an instance lies on the disk.
ASLEEP = re.compile(r"/(?:lxd|incus)[^/]*/?[^/]*\.sock(?:et)?$")
INSTANCES = tuple(
    f"{home}/{kind}"
    for home in ("/var/snap/lxd/common/lxd", "/var/lib/lxd", "/var/lib/incus")
    for kind in ("containers", "virtual-machines")
)
LISTENING = 0x00010000
UNIX_SOCKET = re.compile(r"[0-9a-f]+: [0-9A-F]{8} [0-9A-F]{8} ([0-9A-F]{8}) [0-9A-F]{4} [0-9A-F]{2} +([0-9]+) (.+)\n", re.ASCII)


def engines(found: Job) -> dict[str, Any]:
    """The container engines that answer and all they hold, and traces of any that do not. A stopped engine is not woken:
    only one whose process runs is asked. Raises Trouble where one that runs may not be asked.
    """
    rows = found.value()
    answered: dict[str, str] = {}
    containers: list[dict[str, Any]] = []
    traces: list[str] = []
    mine: set[int] = set()  # the processes of the engines that answered
    for engine, (path, command, _sockets) in ENGINES.items():
        running, doubts = believed(command, called(command, found)) if os.geteuid() == 0 else (called(command, found), [])
        traces += doubts
        if not running or not os.path.exists(path):
            continue
        try:
            listener, version, listed = ask_engine(engine, path)
        except PermissionError:
            raise Trouble("denied", f"{path}: {engine} may not be asked") from None
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            traces.append(f"{engine} gave no answer by {path}")
            continue
        if listener not in {1, *(row["pid"] for row in running)}:
            traces.append(f"{path} is listened on by something that is not {command}")
            continue
        answered[engine] = version
        containers += listed
        # A socket that systemd opened has process 1 for its listener: then the engine is the one of the packaged unit.
        unit = f"{engine}.service" if listener == 1 else None
        mine |= {row["pid"] for row in running if listener == row["pid"] or unit == row["unit"]}
    traces.extend(unexplained(rows, mine, {row["id"] for row in containers}, set(answered)))
    return {"engines": answered, "containers": containers, "traces": sorted(traces)}


def ask_engine(engine: str, path: str) -> tuple[int, str, list[dict[str, Any]]]:
    """The process that opened the socket, the engine's version, all its containers."""
    listener, version = http_get(path, "/version")
    _, listed = http_get(path, "/containers/json?all=1")
    return listener, str(version["Version"]), [{**container(engine, row), "made": made_of(path, row)} for row in listed]


def http_get(path: str, target: str) -> tuple[int, Any]:
    """One JSON document over a unix socket, and the process that listens on it. HTTP/1.0: the answer ends with the connection."""
    with aside(), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(4.0)
        connection.connect(path)
        listener = listener_of(connection)
        connection.sendall(f"GET {target} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n".encode())
        answer = answer_of(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.split(b" ")[1:2] != [b"200"]:
        raise ValueError
    return listener, json.loads(body)


def container(engine: str, row: dict[str, Any]) -> dict[str, str]:
    """One container as its engine lists it."""
    labels = row.get("Labels") or {}
    project = labels.get("com.docker.compose.project") or labels.get("io.podman.compose.project") or ""
    name = (row.get("Names") or [""])[0].lstrip("/")
    return {
        "engine": engine, "id": str(row["Id"]), "name": name, "image": str(row["Image"]), "state": str(row["State"]),
        "status": str(row["Status"]), "project": project,
    }  # fmt: skip


def made_of(path: str, row: dict[str, Any]) -> dict[str, Any] | None:
    """What a container was made of, by the engine's own words: an image's name and a label can be given to anything. None
    where the engine does not say: it may just have been removed.
    """
    try:
        said_of = http_get(path, f"/containers/{row['Id']}/json")[1]
        image = http_get(path, f"/images/{said_of['Image']}/json")[1]
        own = image.get("Config") or {}
        volumes = own.get("Volumes") or {}
        mounts = [(one.get("Name") or one.get("Source") or "", one["Destination"]) for one in said_of.get("Mounts") or []
                  if one.get("Type") != "volume" or one["Destination"] not in volumes]  # fmt: skip
        command = [said_of["Path"], *said_of["Args"]]
        own_command = [*(own.get("Entrypoint") or []), *(own.get("Cmd") or [])]
        return {
            "digests": sorted({image["Id"], *(name.rpartition("@")[2] for name in image.get("RepoDigests") or [])}),
            "command": command,
            "own_command": own_command,
            "as_image": command == own_command,
            "mounts": sorted(f"{source}:{place}" for source, place in mounts),
            "rights": sorted(rights_of(said_of["HostConfig"])),
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def rights_of(settings_said: dict[str, Any]) -> Iterator[str]:
    """What a container may do on its host that a plain one may not. The host's network is not among it: livekit has it."""
    if settings_said.get("Privileged"):
        yield "privileged"
    for key in ("PidMode", "IpcMode", "UTSMode", "UsernsMode"):
        if settings_said.get(key) not in {None, "", "private", "shareable", "none"}:
            yield f"{key[:-4].lower()}={settings_said[key]}"
    yield from (f"cap={one.upper().removeprefix('CAP_')}" for one in settings_said.get("CapAdd") or [])
    yield from (f"device={one.get('PathOnHost')}" for one in settings_said.get("Devices") or [])
    yield from (f"devices={one}" for one in settings_said.get("DeviceCgroupRules") or [])
    yield from (f"volumes-from={one}" for one in settings_said.get("VolumesFrom") or [])
    yield from (one for one in settings_said.get("SecurityOpt") or [] if not one.startswith("no-new-privileges"))
    if settings_said.get("MaskedPaths") == [] and not settings_said.get("Privileged"):
        yield "systempaths=unconfined"


def unexplained(rows: list[dict[str, Any]], mine: set[int], ids: set[str], answered: set[str]) -> Iterator[str]:
    """Signs of containers that no engine that answered accounts for."""
    below = descendants(rows, mine)
    for row in rows:
        why = ""
        if row["container"]:
            why = "" if row["container"] in ids else f"is in container {row['container'][:12]}, which no engine lists"
        elif row["own_pids"]:
            why = "has a PID namespace of its own"
        elif row["command"].startswith("containerd-shim"):  # the kernel keeps 15 letters of a name
            why = "" if row["uid"] == 0 and ids & set(row["argv"]) else "holds a container that no engine lists"
        elif row["command"] == "containerd":  # docker's own is not its child everywhere
            why = "" if row["uid"] == 0 and "docker" in answered else "runs, and no engine answered"
        elif row["command"] in ENGINE_COMMANDS and row["pid"] not in below:
            why = "runs, and did not answer"
        if why:
            yield f"{row['command']} (pid {row['pid']}) {why}"
    explained = tuple(word for engine in answered for word in ENGINES[engine][2])
    for path in listening_engines():
        # Only a daemon of the system's is explained by the one that answered: a user's own is another.
        of_system = path.startswith(("/run/", "/var/run/")) and not others_change(os.path.dirname(path))
        if not (of_system and any(word in path for word in explained)):
            yield f"{path} is listened on, and no engine answered"


def called_as_engines() -> dict[str, set[str]]:
    """The inodes of each unix socket of this network that is called as an engine's, and that something listens on."""
    found: dict[str, set[str]] = {}
    for row in filter(None, map(UNIX_SOCKET.fullmatch, rows_of("/proc/net/unix"))):  # a path may hold the end of a line
        if int(row.group(1), 16) & LISTENING and ENGINE_SOCKETS.search(row.group(3)):
            found.setdefault(row.group(3), set()).add(row.group(2))
    return found


def listening_engines() -> Iterator[str]:
    """Those that an engine would listen on, but for one that sleeps."""
    found = called_as_engines()
    asleep = {path for path in found if ASLEEP.search(path)} if not any(names_in(folder) for folder in INSTANCES) else set()
    holders = socket_holders() if asleep else {}
    for path, inodes in found.items():
        if path not in asleep or any(holders.get(inode) != {1} for inode in inodes):
            yield path
