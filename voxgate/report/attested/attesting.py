"""A run's folder attested: the digests of all that is in it, an in-toto statement of what came of it, and a signature."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from voxgate import __version__
from voxgate.contracts.envelope import Envelope, canonical, pae
from voxgate.contracts.estates import services_file
from voxgate.contracts.manifest import digests_of, dir_hash, sha256, text_of
from voxgate.contracts.places import bundled
from voxgate.contracts.schemas import FOLDER as SCHEMAS
from voxgate.contracts.statement import NAMESPACE, Resource, statement
from voxgate.errors import ContractError, Refused
from voxgate.model.estate import Estate
from voxgate.report.verdict import verdict_file
from voxgate.report.verdict.verdict_file import replace_file
from voxgate.transport.ssh.keygen import raw_signature, sign

MANIFEST, ATTESTATION, SIGNATURE = "SHA256SUMS", "attestation.json", "attestation.json.sig"
BESIDE = (MANIFEST, ATTESTATION, SIGNATURE)
"""The files of a run's folder that say something of all the others."""


def configuration_of(estate: Estate, folders: Sequence[Path], root: Path) -> list[Resource]:
    """With what a run is judged: voxgate's version; by digest the suites (of the project ``root`` too, with its conftest.py), the
    schemas, the estate's file, services.toml and unit files, and what its hosts must have of hosts/proxies.
    """
    ours, *own = folders
    source = Path(estate.source)
    units = {f"{name}/{key}": one for name, folder in (("ours", bundled("hosts")), ("own", source.parent))
             for key, one in _of(folder / "units", ".service", ".conf").items()}  # fmt: skip
    rows: list[Resource] = [
        {"name": "voxgate", "uri": f"pkg:generic/voxgate@{__version__}"},
        {"name": "suites", "digest": {"dirHash": dir_hash(_of(ours, ".py"))}},
        *({"name": "own suites", "digest": {"dirHash": dir_hash(_of(folder, ".py"))}} for folder in own),
        {"name": "schemas", "digest": {"dirHash": dir_hash(_of(SCHEMAS, ".json"))}},
        {"name": f"hosts/{estate.name}.toml", "digest": {"sha256": _file(source)}},
        {"name": "hosts/services.toml", "digest": {"sha256": _file(services_file(source.parent))}},
        {"name": "hosts/units", "digest": {"dirHash": dir_hash(units)}},
    ]
    if kept := {f"{host}{one.path}": one.sha256 for host, files in estate.proxies.items() for one in files}:
        rows.append({"name": "hosts/proxies", "digest": {"dirHash": dir_hash(kept)}})
    conftest = root / "conftest.py"
    return [*rows, {"name": "conftest.py", "digest": {"sha256": _file(conftest)}}] if conftest.is_file() else rows


def _of(folder: Path, *endings: str) -> dict[str, str]:
    """The digests of what a folder has of some kinds; nothing where there is no such folder."""
    found = folder.rglob("*") if folder.is_dir() else ()
    names = sorted(str(path.relative_to(folder)) for path in found if path.name.endswith(endings) and path.is_file())
    return {name: _file(folder / name) for name in names}


def _file(path: Path) -> str:
    try:
        return sha256(path.read_bytes())
    except OSError as error:
        raise ContractError("this file cannot be read", where=str(path), why=error.strerror or str(error)) from None


def attest(folder: Path, configuration: Iterable[Resource], key: str = "") -> tuple[str, list[str]]:
    """Write ``SHA256SUMS``, ``attestation.json`` and, with a ``key``, its signature into a run's folder, in which nothing may
    change from here on. Returns the sha256 of the attestation, and a line for a person where it could not be signed.

    Raises ContractError for a folder that cannot be listed, or without a verdict.
    """
    outcome = verdict_file.read(folder / "verdict.json")
    for name in BESIDE:
        (folder / name).unlink(missing_ok=True)
    digests = digests_of(folder)
    listed = text_of(digests)
    replace_file(folder / MANIFEST, listed)
    payload = canonical(statement(outcome, {**digests, MANIFEST: sha256(listed)}, list(configuration)))
    body, signature, said = Envelope(payload).encode(), b"", []
    if key:
        try:
            signed = Envelope(payload, *raw_signature(pae(payload), key)).encode()
            body, signature = signed, sign(signed, key, NAMESPACE)
        except Refused as error:
            body = Envelope(payload).encode()
            said.append(f"the run is not signed: {error.line}")
    replace_file(folder / ATTESTATION, body)
    if signature:
        replace_file(folder / SIGNATURE, signature)
    return sha256(body), said
