"""``voxgate contract SERVICE --at URL``: whether a service keeps what it promises, where its code is written."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from voxgate.cli.contract_file import NAME, contract_file
from voxgate.contracts.estates import services_of
from voxgate.contracts.places import project
from voxgate.errors import CommandUnknown, Refused
from voxgate.model.service import Service
from voxgate.probe.env_files import settings as read_settings
from voxgate.promises.asking import Asker
from voxgate.promises.contract import SHORTEST, Contract
from voxgate.promises.running import Out, Wanted, judge
from voxgate.redaction.cutting import Redactor
from voxgate.transport import local

PATIENCE = "VOXGATE_PATIENCE"
"""What an agent says of itself: it is so busy that each time limit is so many times as long."""
MOST_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line; what is empty is as ``contract.toml`` says. ``start`` is the command that starts the service, ``env`` a
    file with its settings, ``save`` where what it answers is kept, ``only`` the promises that are asked for. ``patience`` is
    how many times as long each time limit is: empty as the environment says (``PATIENCE``), and that empty for once.
    """

    service: str = ""
    at: str = ""
    start: str = ""
    env: str = ""
    junit: str = ""
    allure: str = ""
    save: str = ""
    patience: str = ""
    only: tuple[str, ...] = ()


def contract(asked: Asked, environ: Mapping[str, str], out: Out) -> int:
    """0 if all promises that were asked for are kept, 1 if one is broken. Raises Refused for what cannot be asked."""
    said = contract_file(Path.cwd())
    service = _service(asked.service or said.service)
    if not (at := asked.at or said.at):
        raise Refused("nobody says where it answers", hint=f'--at http://127.0.0.1:8080, or at = ".." in {NAME}')
    start = asked.start or ("" if asked.at else said.start)
    settings = _settings(asked, service, said.settings, environ)
    if start and (lacking := [name for name in service.required_settings if name not in settings]):
        hint = "put them into a file for --env FILE, or export them: values for a test will do"
        raise Refused("settings are not there, without which it does not start", why=", ".join(lacking), hint=hint)
    before = Path(said.answers) if said.answers and not asked.save else None
    words, cut = tuple(_words(start)), _without(settings)
    here = Contract(
        service,
        Asker.at(at, _patience(asked.patience or environ.get(PATIENCE, ""))),
        words,
        settings,
        _commit(service),
        _pinned(service),
        before,
        cut,
    )
    return judge(here, out, Wanted(asked.junit, asked.allure, asked.save, asked.only))


def _patience(said: str) -> float:
    try:
        found = float(said or 1)
    except ValueError:
        found = 0.0
    if not 1 <= found <= MOST_PATIENCE:
        hint = f"a number from 1 to {MOST_PATIENCE:g}: by how much each time limit is longer"
        raise Refused(f"--patience, or {PATIENCE}, is no such number", where=said[:50], hint=hint)
    return found


def _service(name: str) -> Service:
    services = {one.name: one for one in services_of(project(Path.cwd()) / "hosts")}
    if not name:
        hint = f'one of {", ".join(services)}; or service = ".." in {NAME}'
        raise Refused("nobody says which service is asked", hint=hint)
    if name not in services:
        raise Refused("there is no such service", where=name[:50], hint=f"one of {', '.join(services)}")
    return services[name]


def _words(start: str) -> list[str]:
    try:
        return shlex.split(start)
    except ValueError as error:
        raise Refused(
            "--start is no command", why=str(error), hint='--start "uv run uvicorn vox_backend.app:app --port 8080"'
        ) from None


def _settings(asked: Asked, service: Service, said: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Those of ``contract.toml``, of the environment what the service knows, and all of the file; the later ones win."""
    found = {**said} | {name: value for name, value in environ.items() if service.knows_setting(name)}
    if asked.env:
        try:
            found |= read_settings(Path(asked.env).read_text("utf-8"))
        except (OSError, UnicodeError) as error:
            raise Refused("the settings cannot be read", where=asked.env, why=str(error)) from None
    return found


def _without(settings: Mapping[str, str]) -> Callable[[str], str]:
    """Takes out of a text what looks like a secret, and these values, also the passwords in them."""
    whole = [value for value in settings.values() if len(value) >= SHORTEST]
    return Redactor([*whole, *(found for value in whole if (found := _password(value)))]).cut


def _password(value: str) -> str:
    try:
        return unquote(urlsplit(value).password or "")
    except ValueError:  # no URL
        return ""


def _commit(service: Service) -> str:
    """The commit of the checkout in which this is asked, if it is one of that service; else empty."""
    command = ["git", "rev-parse", "HEAD"]
    if not _is_checkout_of(service):
        return ""
    with suppress(CommandUnknown):
        said = local.run(command, deadline=10)
        return said.stdout.decode(errors="replace").strip() if said.exit_status == 0 else ""
    return ""


def _pinned(service: Service) -> str:
    """The version that the checkout's pyproject.toml pins of the package that services.toml names; empty if not known."""
    if not service.pinned or not _is_checkout_of(service):
        return ""
    with suppress(OSError, ValueError, LookupError, AttributeError):
        for one in tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]["dependencies"]:
            name, equal, version = one.partition("==")
            if equal and name.partition("[")[0].strip() == service.pinned:
                return str(version.partition(";")[0].strip())
    return ""


def _is_checkout_of(service: Service) -> bool:
    with suppress(OSError, ValueError, LookupError, AttributeError):
        return str(tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]["name"]) == service.repository
    return False
