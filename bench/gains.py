"""What each change gained, as it was measured when it was made: before and after in one run, on the machine of the targets.

These are no numbers of a run of ``make bench``: what a change replaced is gone. A change that is made for speed adds its row.
"""

from __future__ import annotations

from typing import NamedTuple


class Gain(NamedTuple):
    """One change: what was measured, and what it was before and after."""

    change: str
    what: str
    before: str
    after: str


GAINS = (
    Gain(
        "what does not move is read by the second look alone",
        "first look, processor of a host",
        "as the second",
        "a third",
    ),
    Gain("a look at some services asks for no more than they are judged by", "`-m dialler`", "1", "0.75"),
    Gain("root keeps the probe compiled", "short look, processor of a host", "0.165 s", "0.10 to 0.12 s"),
    Gain("systemd is asked about each unit once", "processor of a host's systemd for a look", "0.11 s", "0.05 s"),
    Gain("what a deploy judges on its way needs no pytest", "processor of the gate, each time", "1.7 s", "0.5 s"),
    Gain("what is kept is cut once for each string", "saving the evidence", "189 ms", "91 ms"),
    Gain("git is asked by one process, our own Python by none", "processes of a whole look", "18", "12"),
    Gain("the same, with a cheaper walk of folders", "whole look, processor of a fleet host", "1", "0.85"),
    Gain("what is cut is remembered, schemas are checked by one", "processor of judging", "1", "0.8"),
    Gain(
        "a page is read once, workers are summed once",
        "a judged test, from 10 to 200 hosts",
        "5 to 7 ms, growing",
        "6.3 to 4.8 ms",
    ),
    Gain("what paramiko and httpx bring for others is left out", "modules that a start imports", "899", "812"),
    Gain("the same", "processor of a start", "1.07 to 1.17 s", "0.93 to 1.02 s"),
    Gain("a folder is known two seconds after its last change", "500,000 folders, third look", "6.7 s", "2.9 s"),
    Gain("one job of a look computes at a time", "whole look, processor of a fleet host", "0.96 s", "0.66 s"),
    Gain("the same", "five hosts at once that share two processors", "2.42 s", "2.11 s"),
    Gain("a database tells the second look alone what was written, two ways at once", "look, at 200 ms", "13.8 s", "11.3 s"),
    Gain("the same", "`-m dialler`, at 200 ms", "13.0 s", "10.3 s"),
    Gain(
        "a deploy asks at once what does not wait for another answer: owners, systemd and a unit, state and look; one unit that "
        "was seen up is not asked again",
        "`make gate SERVICE=backend`, round trips in a row",
        "49.5",
        "39.0",
    ),
    Gain("the same", "`make gate SERVICE=backend`, at 200 ms", "26.5 s", "24.4 s"),
    Gain(
        "a look begins while the state of the hosts is read",
        "`-m dialler` at 200 ms, by a trace from the first connection to the last answer",
        "8.5 s",
        "7.9 s",
    ),
)

TRIED = (
    ("fewer threads in the probe at once", "0 to 10 % less"),
    ("another interval at which Python's threads change", "nothing"),
    (
        "the probe on one processor",
        "for one host as good as turns; five on two processors take 2.03 s, not 1.64 s",
    ),
    ("the gate on one processor", "half as many changes of threads, 7.5 s in place of 7.2 s"),
    ("a third lab beside two in CI", "a higher load, no sooner"),
)
"""What was measured and left."""
