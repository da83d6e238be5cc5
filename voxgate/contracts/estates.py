"""Estate files: TOML in ``hosts/`` becomes an Estate, or one line that says which file, which place, and why not."""

from __future__ import annotations

import hashlib
import math
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema.exceptions import ValidationError

from voxgate.contracts.estate_access import judge_access, keys_of, sshd_of, sudo_of
from voxgate.contracts.estate_folders import judge_folders
from voxgate.contracts.estate_rules import judge_estate
from voxgate.contracts.places import bundled, project
from voxgate.contracts.promotions import promotion_of, with_dates
from voxgate.contracts.proxy_files import kept_files
from voxgate.contracts.schemas import best_fault, schema
from voxgate.contracts.unit_files import SERVICES, UnitFiles
from voxgate.contracts.waivers import judge_waivers, read_waivers, with_days
from voxgate.errors import EstateError
from voxgate.model.clients import ClientWord
from voxgate.model.database import Database, Pace
from voxgate.model.estate import Available, Containers, Estate, Host, JobEntry, Listener, Store, repository_of
from voxgate.model.front import DAYS, HTTP, HTTPS, Front
from voxgate.model.nearest import nearest
from voxgate.model.service import Endpoint, Kind, Role, Service
from voxgate.redaction.shortening import beginning

FOLDER = bundled("hosts")
"""The services and unit files that come with voxgate; in a checkout also its own estates."""

_SAID = 200  # characters of a name that is none, and of what a schema says of a file

_ENDPOINTS = ("health", "proxied_health", "proxied_api", "aggregate_health", "metrics", "calls", "balanced_calls", "site")


def cache_folder() -> Path:
    """Where voxgate keeps what it can make again: ``$XDG_CACHE_HOME/voxgate``, else ``~/.cache/voxgate``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "voxgate"


def estate_names(folder: Path = FOLDER) -> tuple[str, ...]:
    """The estates there are: the file names in ``hosts/`` without their ending."""
    return tuple(sorted(path.stem for path in folder.glob("*.toml") if path.name != SERVICES))


def load_estate(name: str, folder: Path | None = None, *, today: date | None = None) -> Estate:
    """The estate ``name``: ``<name>.toml`` in ``folder`` (default: ``hosts/`` of the project around the current folder). A name
    with a slash, or one that ends in ``.toml``, is the path of a file. The services are those of ``services.toml`` beside it;
    where there is none, those that come with voxgate; the files of nginx and HAProxy those of ``proxies`` beside it. No waiver
    may end too far ahead of ``today`` (UTC, by our clock).

    Raises EstateError, one line, for everything a person can get wrong in these files.
    """
    path = _path_of(name, folder)
    document = _read(path, "estate")
    services = services_of(path.parent, document.get("services", {}), path.name)
    estate = _build(document, services, path)
    judge_estate(estate, path.name)
    judge_access(estate, path.name)
    judge_waivers(estate, path, today or datetime.now(UTC).date())
    return estate


def named_estate(name: str, folder: Path | None = None) -> Estate:
    """``load_estate`` of a name that stands in the folder of a run: whoever made that does not choose by which file it is judged.
    Raises EstateError for a path too.
    """
    if "/" in name or name.endswith(".toml"):
        raise EstateError("is the path of a file; a run says its estate's name", where=_shown(name[:_SAID]))
    return load_estate(name, folder)


def _path_of(name: str, folder: Path | None) -> Path:
    """The file that an estate's name means. Raises EstateError if there is none."""
    if "/" in name or name.endswith(".toml"):
        path = Path(_file(name, "--estate")).expanduser().absolute()
        if not path.is_file():
            raise EstateError("there is no such file", where=_shown(str(path)), hint="--estate takes a name or a file's path")
        return path
    folder = folder or project() / "hosts"
    known = estate_names(folder)
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean {near}?" if near else f"estates are files in {folder}; there are: {', '.join(known) or 'none'}"
        raise EstateError("there is no such estate", where=f"hosts/{_shown(name)}.toml", hint=hint)
    return (folder / f"{name}.toml").absolute()


def _shown(name: str) -> str:
    """A name from the command line, fit for a terminal."""
    return name if name.isprintable() else ascii(name)[1:-1]


def _read(path: Path, schema_name: str) -> dict[str, Any]:
    """The file, checked by its schema."""
    try:
        document = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise EstateError("cannot be read", where=path.name, why=error.strerror or str(error)) from None
    except (ValueError, RecursionError) as error:
        raise EstateError("is not valid TOML", where=path.name, why=str(error)) from None
    for place, value in _numbers(document):
        if not math.isfinite(value):  # no comparison of a schema refuses nan
            raise EstateError(f"{value} is no number", where=f"{path.name} [{place}]")
    document = with_dates(with_days(document))
    fault = best_fault(schema_name, document)
    if fault is not None:
        raise _schema_error(fault, path.name)
    return document


def _numbers(value: object, place: str = "") -> Iterator[tuple[str, float]]:
    """Every fraction in a document, with its place."""
    match value:
        case float():
            yield place, value
        case dict():
            for key, row in value.items():
                yield from _numbers(row, f"{place}.{key}" if place else key)
        case list():
            for number, row in enumerate(value):
                yield from _numbers(row, f"{place}.{number}")


def _schema_error(fault: ValidationError, file: str) -> EstateError:
    """What the schema found, in the words of the file: ``[hosts.api-1]`` and a suggestion for a misspelt key."""
    place = ".".join(str(part) for part in fault.absolute_path)
    where = f"{file} [{place}]" if place else file
    rule: Any = fault.validator_value
    if fault.validator == "additionalProperties":
        within: Any = fault.schema
        allowed = sorted(within.get("properties", {}))
        unknown = min(set(fault.instance) - set(allowed))  # type: ignore[arg-type]
        near = nearest(unknown, allowed)
        hint = f"did you mean {near!r}?" if near else f"allowed here: {', '.join(allowed)}"
        return EstateError(f"unknown key {unknown!r}", where=where, hint=hint)
    if fault.validator == "required":
        missing = min(set(rule) - set(fault.instance))  # type: ignore[arg-type]
        return EstateError(f"missing key {missing!r}", where=where, hint=f"see schemas/ and {file}'s neighbours")
    if fault.validator == "oneOf":
        choices = " or ".join("/".join(choice.get("required", ())) for choice in rule)
        return EstateError(f"needs exactly one of {choices}", where=where)
    if fault.validator == "enum":
        near = nearest(str(fault.instance), [str(value) for value in rule])
        hint = f"did you mean {near!r}?" if near else ""
        choices = ", ".join(str(value) for value in rule)
        return EstateError(f"{fault.instance!r} is none of: {choices}", where=where, hint=hint)
    if fault.validator == "type" and place.startswith("databases.") and place.endswith(".dialler"):
        return EstateError(f"{fault.instance!r} is not one host", where=where, why="a database has exactly one dialler")
    if isinstance(fault.instance, str) and not fault.instance.strip():
        return EstateError("is empty", where=where)
    return EstateError("cannot be meant", where=where, why=beginning(fault.message, _SAID))


def services_file(folder: Path) -> Path:
    """The file that says what the services of the estates in ``folder`` are: its own, else the one that comes with voxgate."""
    return next((one for one in (folder / SERVICES, FOLDER / SERVICES) if one.is_file()), folder / SERVICES)


def services_of(folder: Path, words: Mapping[str, dict[str, str]] | None = None, estate: str = "") -> tuple[Service, ...]:
    """The services, in the order in which they are deployed: as ``services.toml`` in ``folder`` says, else as voxgate's.
    ``words`` are what the file ``estate`` itself says of them. Raises EstateError.
    """
    words = words or {}
    path = services_file(folder)
    document = _read(path, "services")
    if lost := min(set(words) - set(document), default=None):
        raise EstateError(f"services.toml does not say what the {lost} is", where=f"{estate} [services.{lost}]")
    order, units = ("backend", "fleet", "dialler", "console"), UnitFiles(folder)
    services = tuple(_service(name, document[name] | words.get(name, {}), units) for name in order if name in document)
    said_in = {name: f"{path.name} [{name}.folder]" for name in document}
    said_in |= {name: f"{estate} [services.{name}.folder]" for name, entry in words.items() if "folder" in entry}
    judge_folders(sorted(services, key=lambda one: "folder" in words.get(one.name, {})), said_in)
    return services


def _service(name: str, entry: dict[str, Any], units: UnitFiles) -> Service:
    """One table of services.toml, with what an estate says of it."""
    endpoints: dict[str, Any] = {key: _endpoint(entry[key]) for key in _ENDPOINTS if key in entry}
    for endpoint in endpoints.values():
        if endpoint.schema is not None:
            schema(endpoint.schema)
    plain = {key: value for key, value in entry.items() if key not in _ENDPOINTS}
    plain["role"] = Role(plain["role"])
    plain["kind"] = Kind(plain["kind"])
    plain["required_settings"] = tuple(plain["required_settings"])
    plain["optional_settings"] = tuple(plain.get("optional_settings", ()))
    plain["web_roots"] = tuple(plain.get("web_roots", ()))
    plain["deep_links"] = tuple(plain.get("deep_links", ()))
    plain["differing_settings"] = tuple(plain.get("differing_settings", ()))
    plain["values"] = {setting: tuple(values) for setting, values in plain.get("values", {}).items()}
    service = Service(name=name, **plain, **endpoints)
    builds = _sha256(units.of_build(service.build_file, service.folder)).get(service.build_file, "")
    return replace(service, unit_files=_sha256(units.of_service(name, service.unit, service.folder)), build_sha256=builds)


def _sha256(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def _endpoint(entry: dict[str, Any]) -> Endpoint:
    """One endpoint; a base port counts up by the worker's number."""
    return Endpoint(entry["port"] if "port" in entry else entry["base_port"], entry["path"], entry.get("schema"))


def _build(document: dict[str, Any], services: tuple[Service, ...], path: Path) -> Estate:
    """The nouns; what they mean together is judged afterwards."""
    settings = dict(document["estate"])
    services = _chosen(services, settings.pop("services", None), path)
    user = settings.pop("user", "deploy")
    settings["changes"] = tuple(settings.get("changes", ()))
    for key in ("identity", "known_hosts", "ssh_config"):
        if key in settings:
            settings[key] = _file(settings[key], f"{path.name} [estate.{key}]")
    hosts = tuple(
        Host(name=name, **{"user": user, **entry, "roles": frozenset(Role(role) for role in entry["roles"])})
        for name, entry in document["hosts"].items()
    )
    return Estate(
        **settings,
        hosts=hosts,
        services=services,
        databases=tuple(_database(name, entry) for name, entry in document.get("databases", {}).items()),
        containers=_containers(document["containers"]) if "containers" in document else Containers("", ()),
        listeners=_listeners(document.get("listeners")),
        stores=tuple(_store(name, entry) for name, entry in document.get("stores", {}).items()),
        keys=keys_of(document.get("keys"), cache_folder()),
        **_console(document.get("console", {}), path),
        boot={role: tuple(entry) for role, entry in document.get("boot", {}).items()},
        units={place: tuple(entry.items()) for place, entry in document.get("units", {}).items()},
        environment={place: tuple(entry) for place, entry in document.get("environment", {}).items()},
        programs={place: tuple(entry) for place, entry in document.get("programs", {}).items()},
        agents={place: tuple(map(_agent, rows)) for place, rows in document.get("agents", {}).items()},
        preload={place: tuple(entry) for place, entry in document.get("preload", {}).items()},
        jobs={place: tuple(map(_job, entries)) for place, entries in document.get("jobs", {}).items()},
        clients={key: tuple(ClientWord(**row) for row in rows) for key, rows in document.get("clients", {}).items()},
        sudo=sudo_of(document.get("sudo", {})),
        sshd=sshd_of(document.get("sshd", {})),
        waived=read_waivers(document.get("waived", ()), path.name),
        called_from=document.get("fleet", {}).get("called_from"),
        available=Available(document.get("fleet", {}).get("available", "slots")),
        promotion=promotion_of(document.get("promotion"), settings["name"], path),
        proxies=kept_files(path.parent, settings["name"], estate_names(path.parent), hosts),
        source=str(path),
    )


def _console(entry: dict[str, Any], path: Path) -> dict[str, Any]:
    """How people see the console, and what else its web server serves."""
    found: dict[str, Any] = {"seen_from": entry.get("seen_from")}
    found |= {key: tuple(entry.get(key, ())) for key in ("others", "web_roots", "routes")}
    if "url" in entry:
        try:
            where = urlsplit(entry["url"])
        except ValueError as error:  # brackets around what is no address
            raise EstateError("is no url", where=f"{path.name} [console.url]", why=str(error)) from None
        tls = where.scheme == "https"
        more: dict[str, Any] = {key: entry[key] for key in ("plain", "at") if key in entry}
        if "ca" in entry:
            more["ca"] = _file(entry["ca"], f"{path.name} [console.ca]")
        port = where.port or (HTTPS if tls else HTTP)
        found["front"] = Front(where.hostname or "", port, tls, days=entry.get("days", DAYS), **more)
    return found


def _chosen(services: tuple[Service, ...], names: list[str] | None, path: Path) -> tuple[Service, ...]:
    """Those of the services that an estate has. Raises EstateError for one that nobody says what it is."""
    if names is None:
        return services
    if lost := min(set(names) - {service.name for service in services}, default=None):
        raise EstateError(f"services.toml does not say what the {lost} is", where=f"{path.name} [estate.services]")
    return tuple(service for service in services if service.name in names)


def _database(name: str, entry: dict[str, Any]) -> Database:
    """A database and its dialler."""
    more = {"seen_as": tuple(entry.get("seen_as", ())), "pace": Pace(**entry.get("pace", {}))}
    return Database(name=name, **{**entry, **more})


def _store(name: str, entry: dict[str, Any]) -> Store:
    """A store on a host, or outside of the estate; of a replica set that has several addresses."""
    plain = {**entry}
    address = plain.pop("address", ())
    addresses = (address,) if isinstance(address, str) else tuple(address)
    return Store(name, **plain, addresses=tuple(one.lower().rstrip(".") for one in addresses))


def _file(text: str, where: str) -> str:
    """A file's name, with the cache's folder put in. Raises EstateError if it can be nobody's."""
    text = text.replace("{cache}", str(cache_folder()))
    try:
        Path(text).expanduser()
    except RuntimeError as error:
        raise EstateError("is in no home of this machine", where=where, why=str(error)) from None
    if "\0" in text:
        raise EstateError("is no name of a file", where=where, why="a null byte is in it")
    return text


def _containers(entry: dict[str, Any]) -> Containers:
    """What may run in containers; images by their repository, and as they are pinned."""
    return Containers(
        project=entry["project"],
        images=tuple(repository_of(image) for image in entry["images"]),
        health=_endpoint(entry["health"]) if "health" in entry else None,
        answers={image: _endpoint(answer) for image, answer in entry.get("answers", {}).items()},
        pins={repository_of(image): image for image in entry["images"]},
        commands={image: tuple(words) for image, words in entry.get("commands", {}).items()},
        mounts=tuple(entry.get("mounts", ())),
        rights=tuple(entry.get("rights", ())),
    )


def _agent(entry: dict[str, Any]) -> Containers:
    """A container beside livekit: one image, as it is pinned."""
    command = {"commands": {repository_of(entry["image"]): entry["command"]}} if "command" in entry else {}
    return _containers({**entry, "images": [entry["image"]], **command})


def _listeners(document: dict[str, Any] | None) -> dict[str, tuple[Listener, ...]] | None:
    """``role = { unit = [80, "loopback:9000"] }``, flat."""
    if document is None:
        return None
    return {
        role: tuple(_listener(who, port) for who, ports in entry.items() for port in ports) for role, entry in document.items()
    }


def _listener(who: str, port: int | str) -> Listener:
    """A TCP port by its number; ``udp:5060``, ``loopback:9000``, ``udp:loopback:323``, ``udp:10000-20000``."""
    if isinstance(port, int):
        return Listener(who, port)
    *words, ports = port.split(":")
    first, _, last = ports.partition("-")
    protocol = "udp" if "udp" in words else "tcp"
    return Listener(who, int(first), "loopback" in words, protocol, int(last) if last else None)


def _job(entry: str) -> JobEntry:
    """``/etc/cron.d/recordings: rsync``; without a word on what it runs it is what moves data."""
    where, _, runs = entry.partition(": ")
    return JobEntry(where, tuple(runs.split(", ")) if runs else ("git", "rsync"))
