"""HTTP for the look: all questions to all hosts at once, directly or through the hosts' SSH connections.

A service that refuses, is too slow, says too much or talks nonsense gave an ``Answer`` with ``trouble``: that is a
finding. Only where the way to it failed is there a ``Missing``. No redirect is followed, no proxy of the environment is
used, nothing is decompressed, and the deadline is for the whole question, body included.
"""

from __future__ import annotations

import re
import ssl
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpcore
import httpx
from h11 import _abnf, _readers

from voxgate.errors import Unreachable, known_error
from voxgate.model.answers import Answer
from voxgate.model.counting import counted
from voxgate.model.evidence import Missing
from voxgate.redaction.shortening import beginning
from voxgate.transport.at_once import at_once
from voxgate.transport.clients.streams import Backend
from voxgate.transport.clients.tls import Trust
from voxgate.transport.deadline import Deadline
from voxgate.transport.ssh.failures import ForwardingDenied, TargetRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from voxgate.model.look import Question
    from voxgate.transport.ssh.connections import Connections

LIMIT = 1024 * 1024
HEADERS = 32 * 1024  # bytes of the headers of one answer
SUM_LIMIT = 1024 * 1024 * 1024  # bytes of all headers and bodies that are asked for at once
_AT_ONCE = 64
_SAID = 300  # letters of what was no HTTP: it is quoted there, and is as long as who answers likes, for each question
_ASCII = bytes(range(128)).decode("ascii")

# By h11's own form each blank before a value is tried anew where a line ends otherwise than it must, and nothing else of this
# process goes on meanwhile, no heartbeat either: how many blanks there are says who answers. This one is the same, and takes all
# of them at once.
_readers.header_field_re = re.compile(
    rb"(?P<field_name>%b):[ \t]*+(?P<field_value>%b)[ \t]*" % (_abnf.field_name.encode(), _abnf.field_value.encode())
)


def ask(
    connections: Connections,
    questions: Sequence[Question],
    *,
    deadline: float = 5.0,
    limit: int = LIMIT,
    sum_limit: int = SUM_LIMIT,
    direct: bool | Collection[str] = False,
    patience: Patience | None = None,
) -> dict[Question, Answer | Missing]:
    """What each question was answered, all asked at once; ``deadline`` in seconds for each, ``limit`` bytes of body,
    ``sum_limit`` of all together, with their headers: what comes after that is Missing, and so is what comes after the end of
    ``patience``.

    Whatever one question ends with is that question's: what nobody foresaw is a Missing, and leaves its traceback.

    ``direct`` is True, or the names of the hosts that are asked without SSH: a question to loopback goes to the host's
    own address then. A host that is not open yet is opened first; that has the connections' own deadline.
    """
    tunnelled = {question.host for question in questions if not _is_direct(question, direct)}
    connections.open(host for host in connections.estate.hosts if host.name in tunnelled)
    left, trust = _Left(sum_limit), _trust(connections, questions)
    outcomes = at_once(
        questions,
        lambda question: _ask_patiently(
            lambda until: Backend(connections, question, until, trust, _is_direct(question, direct)),
            question,
            deadline,
            _Heard(limit, left),
            patience,
        ),
        limit=_AT_ONCE,
    )
    answers: dict[Question, Answer | Missing] = {}
    for question, outcome in outcomes.items():
        answers[question] = _lost(question, outcome) if isinstance(outcome, BaseException) else outcome
    return answers


def _trust(connections: Connections, questions: Sequence[Question]) -> Trust | None:
    """Whom to believe, where one of the questions goes by TLS."""
    if not any(question.tls for question in questions):
        return None
    front = connections.estate.front
    return Trust(front.ca if front else None)


def _lost(question: Question, error: BaseException) -> Missing:
    """A question that ended as nobody foresaw: it stops no other."""
    found = known_error(error, question.host)
    return Missing("failed", found.line, question.host, found.hint)


def _is_direct(question: Question, direct: bool | Collection[str]) -> bool:  # noqa: FBT001 - one of two forms
    return direct if isinstance(direct, bool) else question.host in direct


@dataclass(slots=True)
class Patience:
    """How long questions go on where they are many: until a moment for all of them, and at each address until ``most`` of them
    were too slow. What is on its way then is waited for; what was not asked is Missing, and so never a finding.
    """

    until: Deadline
    most: int
    _late: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, seconds: float, most: int) -> Patience:
        """From now on."""
        return cls(Deadline.after(seconds), most)

    def ended(self, question: Question) -> str:
        """Why the question is not asked any more, empty where it is."""
        if self.until.passed:
            return f"it was not asked: the others took {self.until}"
        with self._lock:
            late = self._late[_place(question)]
        return f"it was not asked: {counted(late, 'other')} had no answer in time" if late >= self.most else ""

    def was_late(self, question: Question) -> None:
        """It had no answer in time."""
        with self._lock:
            self._late[_place(question)] += 1


def _place(question: Question) -> tuple[str, str, int]:
    return question.host, question.address, question.port


class _TooMuchError(Exception):
    """All bodies together are more than is taken."""


class _Left:
    """How many bytes may still come, over all questions."""

    def __init__(self, size: int) -> None:
        """``size`` bytes in all."""
        self._size, self._left, self._lock = size, size, threading.Lock()

    def take(self, size: int) -> None:
        """So many came. Raises _TooMuchError once they are too many."""
        with self._lock:
            self._left -= size
            if self._left < 0:
                raise _TooMuchError(f"all that was answered is over {self._size} bytes: the rest was not taken")


@dataclass(slots=True)
class _Heard:
    """What came back so far."""

    limit: int
    left: _Left
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)

    def take(self, response: httpx.Response) -> str:
        """Read a response as it comes over the wire; returns the trouble, empty for none."""
        self.status = response.status_code
        size = sum(len(name) + len(value) for name, value in response.headers.raw)
        self.left.take(size)
        if size > HEADERS:
            return f"the headers are larger than {HEADERS} bytes"
        self.headers = dict(response.headers.items())  # of each by its name it looks through all of them
        for part in response.iter_raw():
            self.left.take(len(part))
            self.body += part
            if len(self.body) > self.limit:
                del self.body[self.limit :]
                return f"the body is larger than {self.limit} bytes"
        return ""


def _ask_patiently(
    way: Callable[[Deadline], Backend], question: Question, deadline: float, heard: _Heard, patience: Patience | None
) -> Answer | Missing:
    """One question, if there is patience for it."""
    if patience is not None and (why := patience.ended(question)):
        return Missing("timeout", why, question.host)
    until = Deadline.after(deadline)
    answer = _ask(way(until), question, until, heard)
    if patience is not None and until.passed:
        patience.was_late(question)
    return answer


def _ask(backend: Backend, question: Question, deadline: Deadline, heard: _Heard) -> Answer | Missing:
    """One question. The exceptions of the way pass through httpx as they are, so each means what it says."""
    asked, began = time.time(), time.monotonic()
    try:
        trouble = _get(backend, question, heard)
    except ForwardingDenied as error:
        return Missing("denied", error.line, question.host, error.hint)
    except Unreachable as error:
        return Missing("unreachable", error.line, question.host, error.hint)
    except _TooMuchError as error:
        return Missing("failed", str(error), question.host)
    except httpx.InvalidURL as error:  # nothing was sent: the service has no part in it
        return Missing("failed", f"that cannot be asked: {error}", question.host)
    except TargetRefused as error:
        trouble = error.what
    except (httpcore.TimeoutException, TimeoutError):
        trouble = _too_slow(heard, deadline)
    except httpcore.ProtocolError as error:
        trouble = beginning(f"not HTTP: {error}", _SAID)
    except ssl.SSLError as error:
        trouble = f"no TLS: {(error.reason or str(error)).replace('_', ' ').lower()}"
    except (httpcore.NetworkError, OSError) as error:
        trouble = f"the connection broke off: {error or type(error).__name__}"
    seconds = time.monotonic() - began
    where = (question.host, question.port, question.path)
    shown = backend.certificate
    return Answer(*where, heard.status, heard.headers, bytes(heard.body), seconds, asked, trouble, certificate=shown)


def _too_slow(heard: _Heard, deadline: Deadline) -> str:
    if heard.status:
        return f"the body was not complete within {deadline} ({len(heard.body)} bytes came)"
    return f"no answer within {deadline}"


def _get(backend: Backend, question: Question, heard: _Heard) -> str:
    host = f"[{backend.address}]" if ":" in backend.address else backend.address
    headers = [("accept-encoding", "identity"), ("accept", "*/*"), ("user-agent", "voxgate"), ("connection", "close")]
    given = {name.lower() for name, _ in question.headers}
    path = quote(question.path, safe=_ASCII).encode("ascii")  # a byte beyond ASCII has no place in a request's first line
    url = httpx.URL(scheme="http", host=host, port=question.port, raw_path=path)
    # A server compares a name with the bytes of its own configuration: one that is written there with an umlaut is asked for so.
    pairs = [*(pair for pair in headers if pair[0] not in given), *question.headers]
    said = [(name.encode("utf-8"), value.encode("utf-8")) for name, value in pairs]
    request = httpx.Request(question.method, url, headers=said)
    with _OneConnection(backend) as way:
        response = way.handle_request(request)
        try:
            return heard.take(response)
        finally:
            response.close()


class _Body(httpx.SyncByteStream):
    """A response's body in httpx's words."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        """Let the connection go."""
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


class _OneConnection(httpx.BaseTransport):
    """httpx over one connection of a given backend; nothing is pooled: 127.0.0.1 is another machine for each host."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend
        self._connection: httpcore.HTTPConnection | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and return once the headers are there."""
        url = request.url
        origin = httpcore.Origin(url.raw_scheme, url.raw_host, url.port or 80)
        self._connection = httpcore.HTTPConnection(origin, network_backend=self._backend)
        response = self._connection.handle_request(
            httpcore.Request(
                request.method.encode(),
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=b"",
            )
        )
        stream = _Body(response.stream)  # type: ignore[arg-type] # the synchronous one, as we asked
        return httpx.Response(response.status, headers=response.headers, stream=stream)

    def close(self) -> None:
        """Close the connection, if one was made."""
        if self._connection is not None:
            self._connection.close()
