"""``/var/lib/voxgate/done.json``: what was seen of a host when a deploy was done there. What changed since is judged by it where
an estate says so, and told everywhere.

It is the host's, not a service's: each deploy that is done writes it anew on all hosts that it holds. A host on which nothing is
deployed (a database's) keeps nothing: what was seen of it is kept by one of the others, in ``done-HOST.json`` beside its own.
Whoever can write the state can write this: it tells what others changed, not what the account that deploys would hide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from voxgate.contracts.json_strict import loads
from voxgate.contracts.typed import WrongFormError
from voxgate.errors import ContractError
from voxgate.model.evidence import Missing
from voxgate.model.fingerprints import FORM, NAME_AT_MOST, ROWS_AT_MOST, Kept, Prints, smaller
from voxgate.survey.fields import get, integer, members, number, text

FOLDER = "/var/lib/voxgate"

_MOST = 48_000
"""Characters of all fingerprints of a host: of a state file a host reads 65536."""

_KINDS_AT_MOST = 100  # of fingerprints
_SHORT = 200  # characters of the name of a kind, a time or an id
_DIGEST = re.compile(r"[A-Za-z0-9_-]{12}|")


def document_of(kept: Kept) -> str:
    """The file, in a line of ASCII."""
    head = {"format": 1, "form": FORM, "run": kept.run, "at": kept.at, "estate": kept.estate, "clock": kept.clock}
    return json.dumps({**head, "prints": smaller(kept.prints, _MOST)}, sort_keys=True)


def read_done(said: str | None, host: str, *, of: str = "") -> Kept | Missing | None:
    """The same back, believed only if it is whole, and of this voxgate's form; None where nothing was kept. ``of`` is the host
    that it is about, where that is another than the ``host`` that keeps it.
    """
    if said is None:
        return None
    where = f"{host}: {FOLDER}/{f'done-{of}.json' if of else 'done.json'}"
    try:
        found = members(loads(said.encode("utf-8", "replace"), where=where))
        if get(found, "format", integer) != 1 or get(found, "form", integer) != FORM:
            return Missing("unparsable", "another voxgate kept it, which sees other things", where)
        return Kept(
            get(found, "run", _short),
            get(found, "at", _short),
            get(found, "estate", _short),
            get(found, "clock", number),
            get(found, "prints", _prints),
        )
    except (ContractError, WrongFormError) as error:
        return Missing("unparsable", error.line if isinstance(error, ContractError) else str(error), where)


def _prints(value: object) -> Prints:
    kinds = members(value)
    if len(kinds) > _KINDS_AT_MOST:
        raise WrongFormError("fewer kinds wanted")
    return {_short(kind): _rows(rows) for kind, rows in kinds.items()}


def _rows(value: object) -> Mapping[str, str]:
    rows = members(value)
    if len(rows) > ROWS_AT_MOST or any(len(name) > NAME_AT_MOST for name in rows):
        raise WrongFormError("fewer or shorter names wanted")
    return {name: _digest(digest) for name, digest in rows.items()}


def _digest(value: object) -> str:
    if not _DIGEST.fullmatch(text(value)):
        raise WrongFormError("a digest wanted")
    return text(value)


def _short(value: object) -> str:
    if len(text(value)) > _SHORT:
        raise WrongFormError("a shorter text wanted")
    return text(value)
