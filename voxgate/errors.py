"""Every error of voxgate: one tree, one voice - what, where, why, and a hint."""

from __future__ import annotations

import logging
import re
import unicodedata

UNFORESEEN = "voxgate.unforeseen"
"""The logger that gets the traceback of a mistake of the gate's own."""

TRACES = "unforeseen.log"
"""The file of a run's folder that its records are written to."""

_LOG = logging.getLogger(UNFORESEEN)
_LOG.addHandler(logging.NullHandler())
_BROKEN = re.compile(r"\s*[\n\t]\s*| {3,}")
_HIDDEN = re.compile(r"[^\x20-\x7e]+")
# What Python calls printable and nobody sees: what a renderer leaves out (Unicode's Default_Ignorable), and letters without ink.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U00013441\U00013442\U00016fe4\U0001d159\U000e0100-\U000e01ef]"
)
_WHY = 200  # letters of what Python said of a mistake of the gate's own
_MARKS_AT_MOST = 4  # on one letter: more of them cover the lines around it


def visible(text: str, keep: str = "") -> str:
    """Text of somebody else's (a host's, a remote's, a service's) as it may be shown: what cannot be seen, or moves and hides
    what stands beside it, as its code. That is control characters, those that turn the direction of writing, those without
    width or ink, marks that stand on no letter, line and paragraph separators, halves of characters; a new line too, unless
    ``keep`` has it.
    """
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(lambda found: _seen(found, keep), text)


def _seen(found: re.Match[str], keep: str) -> str:
    """The same of letters that are not ASCII; what stands before them says whether a mark has a letter."""
    room = _MARKS_AT_MOST if found.string[found.start() - 1 : found.start()].isalpha() else 0
    said = ""
    for letter in found[0]:
        shown = letter in keep or (letter.isprintable() and not _BLANK.match(letter))
        if shown and unicodedata.category(letter).startswith("M"):
            shown, room = room > 0, room - 1
        else:
            room = _MARKS_AT_MOST if shown and letter.isalpha() else 0
        said += letter if shown else _code_of(letter)
    return said


def _code_of(letter: str) -> str:
    number = ord(letter)
    if letter in "\n\t\r":
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}[letter]
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"  # noqa: PLR2004


class VoxgateError(Exception):
    """What a user can cause or must know, in one line and a hint.

    ``what`` is the sentence, ``where`` the host, file or fact it is about, ``why`` the cause as it was seen, ``hint`` what
    to do about it. ``str()`` is the one line; the hint is kept apart, so that every sink shows it in its own way.
    """

    def __init__(self, what: str, *, where: str = "", why: str = "", hint: str = "") -> None:
        """Keep the four parts; ``what`` alone is required. Whoever wrote them, all of it can be seen."""
        self.what = visible(what, "\n\t")
        self.where = visible(where, "\n\t")
        self.why = visible(why, "\n\t")
        self.hint = visible(hint, "\n\t")
        super().__init__(self.line)

    @property
    def line(self) -> str:
        """The error in one line: where, what, why."""
        said = f"{self.where}: {self.what}" if self.where else self.what
        return _BROKEN.sub(" ", f"{said}: {self.why}" if self.why else said)

    @property
    def text(self) -> str:
        """The line, and the hint below it where there is one."""
        return f"{self.line}\n  hint: {self.hint}" if self.hint else self.line

    def __reduce__(self) -> tuple[object, tuple[object, ...], dict[str, str]]:
        """Survive the way between processes (xdist workers, saved outcomes)."""
        return (
            type(self),
            (self.what,),
            {"what": self.what, "where": self.where, "why": self.why, "hint": self.hint},
        )

    def __setstate__(self, state: dict[str, str] | None) -> None:
        """Take the parts back."""
        for name, value in (state or {}).items():
            setattr(self, name, value)
        self.args = (self.line,)


class EstateError(VoxgateError):
    """An estate or services file says something that cannot be meant."""


class ContractError(VoxgateError):
    """Something that came from outside is not what its schema or format promises."""


class Blind(VoxgateError):  # noqa: N818 - a word of the design: not an error of the code, a verdict
    """We could not look. It never counts as good, nor as bad."""


class OutsideLook(Blind):
    """What is asked for was never looked at: a host, an answer, a database that is no part of this look."""


class Refused(VoxgateError):  # noqa: N818 - a word of the design
    """Nothing was touched: preflight, the lock or a bad tag said no."""


class Mistyped(Refused):
    """What was asked for is nowhere: a word typed wrong, which nobody could know before the remote was asked. Nothing was touched
    or judged, and there is nothing to report.
    """


class Unreachable(VoxgateError):  # noqa: N818 - names the state of the host
    """No connection: down, unknown or changed host key, login refused, connect deadline."""


class CommandUnknown(VoxgateError):  # noqa: N818 - names the outcome
    """A command's outcome is unknown: no exit status, a signal, a deadline, a lost connection. Never success."""


class MoveFailed(VoxgateError):  # noqa: N818 - names the outcome
    """A move on a host ended otherwise than it must."""


class Interrupted(VoxgateError):  # noqa: N818 - names the outcome
    """A signal or a lost worker ended the run before everything was judged."""


class Unforeseen(VoxgateError):  # noqa: N818 - names what it was
    """A mistake of the gate's own: nobody wrote down what to do then. Its traceback is in the run's folder."""


def unforeseen(error: BaseException, where: str = "") -> Unforeseen:
    """The error in one line, for whoever goes on without what failed; the traceback goes to the log."""
    _LOG.error("%s", where or "the gate", exc_info=error)
    why = " ".join(f"{type(error).__name__}: {error}".split())
    if len(why) > _WHY:
        why = why[:_WHY].rpartition(" ")[0]  # whole words: nobody recognizes half a secret
    hint = f"a mistake in voxgate: {TRACES} in the run's folder says where; please report it"
    return Unforeseen("the gate itself failed here", where=where, why=why, hint=hint)


def known_error(error: BaseException, where: str = "") -> VoxgateError:
    """An error as it is if it is one of ours, else as ``unforeseen``. What ends the process (KeyboardInterrupt) is raised."""
    if isinstance(error, VoxgateError):
        return error
    if not isinstance(error, Exception):
        raise error
    return unforeseen(error, where)


class ForgeError(VoxgateError):
    """Bitbucket did not do what was asked: refused, or no answer within the deadline."""
