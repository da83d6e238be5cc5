"""What is not as it was when a deploy was done last: judged where the estate wants it, told everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.counting import counted
from voxgate.plugin import invariant, say_all

if TYPE_CHECKING:
    from voxgate.model.estate import Estate
    from voxgate.model.look import Evidence


@invariant(per="host_name", needs=("changes",), faults=("unexplained-change",))
def test_what_changed_since_done_is_explained(host_name: str, estate: Estate, evidence: Evidence) -> None:
    """A disguise that no rule knows is a change all the same. Whatever is seen of a host is as it was when a deploy was done
    last, or something may explain it: a release, a package that dpkg put there or took away, an entry of the estate. Judged
    where ``changes`` in ``[estate]`` says so. Not seen: what moves by itself; who rewrites what the hosts keep, as the account
    that deploys can; whether a reason that may be one is one.
    """
    since = evidence.changed(host_name)
    again = "the next deploy that is done keeps all of it anew, and is let through by --standing ID --reason TEXT"
    if since.note:
        raise Blind("what changed since done is not known", where=host_name, why=since.note, hint=again)
    if any(one.kind == "probe" for one in since.changes):
        raise Blind("another probe looked at done, which may have seen less", where=host_name, hint=again)
    found = [one.line for one in since.unexplained]
    found += [f"{counted(since.more, 'more thing')} changed: nobody looked for their reasons"] if since.more else []
    assert not found, say_all(
        host_name,
        found,
        f"find out who did it, since {since.at} (run {since.run}), and put back what nobody wants; {again}",
        estate=estate.name,
    )
