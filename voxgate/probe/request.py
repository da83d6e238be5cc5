"""What the gate asks for, checked field by field."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any, Callable, NamedTuple, Sequence

from voxgate.probe.base import FORMAT, Trouble
from voxgate.probe.places import FOLDERS, is_folder

# What binds an answer to its request: a word that was never used before, and the host key that shall sign.
SEAL = {"nonce": re.compile(r"[0-9a-f]{64}", re.ASCII), "key": re.compile(r"SHA256:[A-Za-z0-9+/]{43}", re.ASCII)}


ENV = ".env"


class Service(NamedTuple):
    """One service of the request, checked."""

    name: str
    folder: str
    kind: str
    owner: str
    user: str | None
    unit: str | None
    units: list[str]
    pinned: str | None
    required_settings: list[str]
    envs: Sequence[str] = (ENV,)  # the files that its settings stand in: one, or one for each instance of its unit
    beside: Sequence[str] = ()  # where this is one of them: all


class End(NamedTuple):
    """A page of a unit's own port, asked there or ``through`` the port of a web server."""

    unit: str
    port: int
    path: str
    through: int


ENDS_AT_MOST = 500
PAGE_PATH = re.compile(r"/[A-Za-z0-9._/-]{0,200}", re.ASCII)
ENVS_AT_MOST = 20
UNIT = re.compile(r"(?!-)[A-Za-z0-9:_.@\\-]{1,240}\.service", re.ASCII)
ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)
NAME = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
SHAPES: dict[str, tuple[re.Pattern[str], str]] = {
    "name": (NAME, "text"),
    "folder": (FOLDERS, "text"),
    "kind": (re.compile(r"python|static"), "text"),
    "owner": (ACCOUNT, "text"),
    "user": (ACCOUNT, "text or null"),
    "unit": (UNIT, "text or null"),
    "units": (UNIT, "list"),
    "pinned": (re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII), "text or null"),
    "required_settings": (re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII), "list"),
}
ENVS = re.compile(r"\.env(?:\.[A-Za-z0-9_-]{1,64})?", re.ASCII)
ASKED = ("whole", "brief", "words")


def asked_for(request: bytes) -> str:
    """What is asked for: ``whole`` is everything, ``brief`` only what moves (for the first of two looks, of which the second
    reads the rest), ``words`` what units say of themselves.
    """
    document = json.loads(request)  # ``services_of`` found it good
    return str(document.get("asked", "whole"))


def only_of(request: bytes) -> frozenset[str] | None:
    """The services at which a whole look is: of others, and of the host as such, only what is seen of all at once. None: all."""
    only = json.loads(request).get("only")
    return None if only is None else frozenset(only)


def stores_of(request: bytes) -> list[str]:
    """The units of the stores that run on this host."""
    return list(json.loads(request).get("stores", []))


def ends_of(request: bytes) -> list[End]:
    """The pages at which is asked who answers."""
    return [End(*row) for row in json.loads(request).get("ends", [])]


def is_end(row: Any) -> bool:
    """True for a row that is exactly of the form of an ``End``."""
    if not isinstance(row, list) or len(row) != 4 or not all(isinstance(row[at], str) for at in (0, 2)):
        return False
    ports = [row[at] for at in (1, 3)]
    fits = UNIT.fullmatch(row[0]) is not None and PAGE_PATH.fullmatch(row[2]) is not None
    return fits and all(type(port) is int and 0 <= port < 1 << 16 for port in ports) and row[1] > 0


def watched(request: bytes) -> frozenset[str]:
    """The folders of all services of the estate: whose code a process runs is asked of each."""
    document = json.loads(request)
    return frozenset(document.get("folders", [])) | {row["folder"] for row in document["services"]}


def services_of(request: bytes, folders: re.Pattern[str] = FOLDERS) -> list[Service]:
    """The services that the request names. Raises Trouble for anything that is not exactly of the form."""
    try:
        document = json.loads(request)
    except (ValueError, RecursionError):
        raise Trouble("unparsable", "request refused: not JSON") from None
    if not isinstance(document, dict) or set(document) - {"asked", "only", "stores", "folders", "ends", *SEAL} != {
        "format",
        "services",
    }:
        raise Trouble("failed", "request refused: it needs exactly format and services")
    if not all(
        isinstance(text := document.get(key, ""), str) and (not text or form.fullmatch(text)) for key, form in SEAL.items()
    ):
        raise Trouble("failed", f"request refused: of another form: {', '.join(SEAL)}")
    if document.get("asked", "whole") not in ASKED:
        raise Trouble("failed", f"request refused: asked for is one of {', '.join(ASKED)}")
    if document["format"] != FORMAT:
        raise Trouble("failed", f"request refused: this probe speaks format {FORMAT}")
    rows = document["services"]
    if not isinstance(rows, list) or len(rows) > 50:
        raise Trouble("failed", "request refused: services must be a list of at most 50")
    services = [checked(row, folders) for row in rows]
    if len({service.name for service in services}) != len(services):
        raise Trouble("failed", "request refused: a service stands twice")
    fits: dict[str, Callable[[Any], object]] = {
        "only": lambda one: isinstance(one, str) and NAME.fullmatch(one),
        "stores": lambda one: isinstance(one, str) and UNIT.fullmatch(one),
        "folders": lambda one: isinstance(one, str) and is_folder(one, folders=folders),
        "ends": is_end,
    }
    for key, what in (("only", "names"), ("stores", "units"), ("folders", "folders"), ("ends", "pages of units")):
        found = document.get(key, [])
        few = isinstance(found, list) and (key != "ends" or len(found) <= ENDS_AT_MOST)
        if not few or not all(fits[key](one) for one in found):
            raise Trouble("failed", f"request refused: {key} is a list of {what}")
    return services


def checked(row: Any, folders: re.Pattern[str]) -> Service:
    """One row of the request, each field of its shape."""
    if not isinstance(row, dict) or set(row) - {"envs"} != set(SHAPES):
        raise Trouble("failed", f"request refused: a service needs exactly {', '.join(SHAPES)}")
    for key, (shape, form) in SHAPES.items():
        found, fits = row[key], partial(is_folder, folders=folders) if key == "folder" else shape.fullmatch
        wanted = found if form == "list" else [] if found is None and form == "text or null" else [found]
        if not isinstance(wanted, list) or len(wanted) > 512:
            raise Trouble("failed", f"request refused: {key} has another form")
        if not all(isinstance(text, str) and fits(text) for text in wanted):
            raise Trouble("failed", f"request refused: {key} has another form")
    envs = row.get("envs", [ENV])
    if not isinstance(envs, list) or not 0 < len(envs) <= ENVS_AT_MOST or len(set(map(str, envs))) != len(envs):
        raise Trouble("failed", "request refused: envs has another form")
    if not all(isinstance(name, str) and ENVS.fullmatch(name) for name in envs):
        raise Trouble("failed", "request refused: envs has another form")
    return Service(**{**row, "envs": tuple(envs)})


def by_env(service: Service) -> list[Service]:
    """A service, once for each file that its settings stand in: with that file, and the units that it is for. A unit of an
    instance ``vox`` has the file ``.env.vox``.
    """
    if tuple(service.envs) == (ENV,):
        return [service]
    return [
        service._replace(
            envs=(name,), beside=service.envs, units=[one for one in service.units if one.endswith(f"@{of}.service")]
        )
        for name, of in ((name, name[len(ENV) + 1 :]) for name in service.envs)
    ]


def told_as(service: Service) -> str:
    """What the settings of a service are called, of which there may be several: ``dialler@vox``."""
    instance = service.envs[0][len(ENV) + 1 :]
    return f"{service.name}@{instance}" if instance else service.name
