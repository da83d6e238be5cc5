"""Proving who we are: public keys only, from files and the agent, in the order ssh(1) users expect."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from paramiko.pkey import PublicBlob, UnknownKeyType

from voxgate.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxgate.transport.deadline import Deadline
    from voxgate.transport.ssh.route import Hop
    from voxgate.transport.ssh.wire import Wire


@dataclass(slots=True)
class _Wallet:
    """The keys of one login, and in words what was tried or could not be used."""

    hop: Hop
    notes: list[str] = field(default_factory=list)

    def keys(self, agent: paramiko.Agent | None) -> Iterator[paramiko.PKey]:
        """Key files first (through the agent where the file is encrypted or only public), then the agent's other keys."""
        held = {key.asbytes(): key for key in (agent.get_keys() if agent else ())}
        for path in self.hop.identities:
            key = self._from_file(path, held)
            if key is not None:
                held.pop(key.asbytes(), None)
                yield key
        if not self.hop.identities_only:
            for key in held.values():
                self.notes.append(f"agent key {key.comment or key.fingerprint}")
                yield key

    def _from_file(self, path: str, held: dict[bytes, paramiko.AgentKey]) -> paramiko.PKey | None:
        file = Path(path).expanduser()
        if (public := public_blob(file)) in held and public is not None:
            self.notes.append(f"{path} (by the agent)")
            return held[public]
        try:
            key = paramiko.PKey.from_path(file)
        except FileNotFoundError:
            self.notes.append(f"{path} (does not exist)")
        except OSError as error:
            self.notes.append(f"{path} ({error.strerror})")
        except TypeError:
            self.notes.append(f"{path} (encrypted, and not in the agent: ssh-add {path})")
        except (ValueError, UnsupportedAlgorithm, paramiko.SSHException, UnknownKeyType):
            self.notes.append(f"{path} (not a private key that can be read)")
        else:
            self.notes.append(path)
            return key
        return None


def public_blob(file: Path) -> bytes | None:
    """The public key beside a private one (or of a file that is public itself), None if there is none."""
    for candidate in (file, file.with_name(file.name + ".pub")):
        try:
            words = candidate.read_bytes().split(None, 2)
        except OSError:
            continue
        if len(words) > 1 and words[0].startswith((b"ssh-", b"ecdsa-", b"sk-")):
            try:
                return bytes(PublicBlob.from_string(b" ".join(words[:2]).decode()).key_blob)
            except (ValueError, UnicodeDecodeError):
                continue
    return None


def log_in(wire: Wire, hop: Hop, where: str, deadline: Deadline) -> None:
    """Log in as ``hop.user``. Raises Unreachable, naming what was tried, if no key is taken before the deadline."""
    wallet = _Wallet(hop)
    agent = agent_of() if hop.agent else None
    try:
        for key in wallet.keys(agent):
            wire.auth_timeout = deadline.remaining
            try:
                more = wire.auth_publickey(hop.user, key)
            except paramiko.BadAuthenticationType as error:
                raise _refused(hop, where, wallet, f"the server wants {', '.join(error.allowed_types)}") from error
            except paramiko.AuthenticationException as error:
                if wire.is_active() and not deadline.passed:
                    continue
                why = f"no answer within {deadline}" if deadline.passed else f"the server hung up ({error})"
                raise _refused(hop, where, wallet, why) from error
            if more:
                raise _refused(hop, where, wallet, f"the key was taken, but the server wants {', '.join(more)} too")
            return
    finally:
        if agent is not None:
            agent.close()
    raise _refused(hop, where, wallet, "")


def agent_of() -> paramiko.Agent | None:
    """The agent, None where there is none or it does not answer in time."""
    if not os.environ.get("SSH_AUTH_SOCK"):
        return None
    try:
        return paramiko.Agent()
    except (paramiko.SSHException, OSError):
        return None


def _refused(hop: Hop, where: str, wallet: _Wallet, why: str) -> Unreachable:
    tried = "tried " + ", ".join(wallet.notes) if wallet.notes else "there is no key to try"
    return Unreachable(
        f"login as {hop.user} refused",
        where=where,
        why=f"{why}; {tried}" if why else tried,
        hint=f"try by hand on the gate: `ssh -v -o ConnectTimeout=10 -p {hop.port} {hop.user}@{hop.address}`",
    )
