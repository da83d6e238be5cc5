"""The kinds of disguises as people read them: who could do it, what sees it, and what nobody sees from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from voxgate.model.invariant import Invariant, Threat

HEAD = """\
# The kinds of disguises

What somebody could do so that a look finds all in order. A kind is closed by rules that say what must be true, not by a list of
disguises. This page is made from the code by `make docs`: a rule says in `suites/` which kinds it is there for (`threats=`), and
names the faults of the lab that it is seen to find. What each rule itself does not see, [its own words](INVARIANTS.md) say.
Beside the rules each run tells what is not as it was when a deploy was done last, and why it may be (`changes.json`): of any
kind, also of one that nobody thought of, as far as a look sees it. That is told, and not judged.

"""


class Told(NamedTuple):
    """A kind in words: what it is, who could do it, and what cannot be seen from outside."""

    what: str
    who: str
    unseen: str


KINDS = {
    Threat.PACE: Told(
        "What the dialler does, not only that it does",
        "whoever writes its `.env` or its code: a typo is enough",
        "calls that it places and neither counts nor keeps in its database",
    ),
    Threat.ANSWERS: Told(
        "An answer is believed whoever gives it",
        "root on the host: filters, a web server's configuration, a process beside the unit",
        "a web server that asks the unit and passes on another page; what is led elsewhere beside the host; a lie of the unit's",
    ),
    Threat.TIMES: Told(
        "Trust that rests on times",
        "root, and deploy in its own folders: code is put there, started from, and taken away",
        "pure Python that was read once and is gone, where files alone came and went in a folder of the checkout: the kernel"
        " keeps no trace of what was imported; what was forged before it was judged good, or with the gate's record of that",
    ),
    Threat.STARTS: Told(
        "What will start by itself",
        "root; any account by its own crontab or units",
        "what a file runs that the estate names; readers that voxgate does not know; what is run by people's logins",
    ),
    Threat.SETTINGS: Told(
        "Settings that are not compared",
        "the service's account, and whoever edits a `.env`",
        "what a value means to somebody else's server",
    ),
    Threat.SERVED: Told(
        "What people are served, not what a probe is served",
        "root on the API host, and whoever stands between it and people",
        "what stands between people and the hosts; who is told apart by another server than nginx, by what no request of the"
        " gate's has; what is lost on the way now and then",
    ),
    Threat.RIGHTS: Told(
        "Rights that reach code or secrets",
        "root; accounts that are in a group or a list of somebody else's",
        "what was read before, and by whom; copies and programs that lie elsewhere than people put them, or deep; copies that are"
        " large or packed",
    ),
    Threat.LIMITS: Told(
        "Limits and company",
        "root: slices, systemd's own settings, a shell",
        "what limits the host as a whole; cgroups of version 1; a process that ended before the look",
    ),
}


def as_page(catalogue: Sequence[Invariant]) -> str:
    """The page ``docs/THREATS.md``."""
    rows = ["| kind | who could do it | what sees it | what cannot be seen from outside |", "|---|---|---|---|"]
    for threat, told in KINDS.items():
        rules = [one for one in catalogue if threat in one.threats]
        seen = "; ".join(f"{one.sentence} ({', '.join(f'`{fault}`' for fault in one.faults)})" for one in rules)
        rows.append(f"| **{told.what}** (`{threat}`) | {told.who} | {seen or 'no rule yet'} | {told.unseen} |")
    return HEAD + "\n".join(rows) + "\n"
