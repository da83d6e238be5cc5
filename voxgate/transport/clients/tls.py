"""TLS over any pipe: what the server answers is heard whatever it shows, and what it shows is judged beside it."""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from voxgate.model.answers import Certificate

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxgate.transport.deadline import Deadline

T = TypeVar("T")

_PIECE = 64 * 1024
_NAMES = 16 * 1024  # characters of the names in a certificate: a hundred of them are a lot


class Pipe(Protocol):
    """What a stream needs of a socket or a tunnel."""

    def recv(self, size: int, timeout: float) -> bytes:
        """Up to ``size`` bytes, empty at the end."""

    def sendall(self, data: bytes, timeout: float) -> None:
        """Write all of ``data``."""

    def close(self) -> None:
        """Let it go."""


class Tls:
    """A pipe within a pipe. Making one raises ssl.SSLError where the two do not come to terms, and
    ssl.SSLCertVerificationError where ``context`` does not accept what the server shows for ``name``.
    """

    def __init__(self, pipe: Pipe, context: ssl.SSLContext, name: str, deadline: Deadline) -> None:
        """Shake hands, until ``deadline``."""
        self._pipe = pipe
        self._deadline = deadline
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=name or None)
        self._do(self._tls.do_handshake)

    @property
    def shown(self) -> bytes | None:
        """The server's certificate (DER)."""
        return self._tls.getpeercert(binary_form=True)

    def recv(self, size: int, timeout: float) -> bytes:  # noqa: ARG002 - it has a deadline of its own
        """Up to ``size`` bytes, empty at the end."""
        try:
            return self._do(lambda: self._tls.read(size))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def sendall(self, data: bytes, timeout: float) -> None:  # noqa: ARG002 - it has a deadline of its own
        """Write all of it."""
        while data:
            data = data[self._do(lambda rest=data: self._tls.write(rest)) :]  # type: ignore[misc]

    def close(self) -> None:
        """Close the pipe below. Nothing is said before: one question was asked, and the server closes too."""
        self._pipe.close()

    def _do(self, act: Callable[[], T]) -> T:
        """One step of TLS, and all that has to come and go for it."""
        while True:
            try:
                done = act()
            except ssl.SSLWantReadError:
                self._flush()
                if self._deadline.passed:
                    raise TimeoutError from None
                came = self._pipe.recv(_PIECE, self._deadline.remaining)
                if came:
                    self._in.write(came)
                else:
                    self._in.write_eof()
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    self._flush()  # it is told why
                raise
            else:
                self._flush()
                return done

    def _flush(self) -> None:
        if self._out.pending:
            self._pipe.sendall(self._out.read(), self._deadline.remaining)


class Trust:
    """Whom the gate believes: the authorities of a file of its own, or those of its system."""

    def __init__(self, ca: str | None) -> None:
        """Read them. A file that cannot be read is no error: then no certificate can be judged, and ``unread`` says why."""
        self.unread = ""
        self._strict: ssl.SSLContext | None = None
        try:
            self._strict = ssl.create_default_context(cafile=ca)
            self._strict.hostname_checks_common_name = False  # as browsers do not
        except OSError as error:  # also what is no certificate
            self.unread = f"{ca}: {error.strerror or error}"
        self._any = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._any.check_hostname = False
        self._any.verify_mode = ssl.CERT_NONE

    def enter(self, connect: Callable[[], Pipe], name: str, deadline: Deadline) -> tuple[Tls, Certificate | None]:
        """TLS over what ``connect`` opens, and what the server showed. Where the gate does not accept that, it asks once more
        and hears the server all the same: what is served is judged by its bytes.
        """
        flaw = ""
        if self._strict is not None:
            try:
                return self._within(connect(), self._strict, name, deadline, "")
            except ssl.SSLCertVerificationError as error:
                flaw = error.verify_message
        return self._within(connect(), self._any, name, deadline, flaw)

    def _within(
        self, pipe: Pipe, context: ssl.SSLContext, name: str, deadline: Deadline, flaw: str
    ) -> tuple[Tls, Certificate | None]:
        try:
            tls = Tls(pipe, context, name, deadline)
        except BaseException:
            pipe.close()
            raise
        return tls, read(tls.shown, flaw, self.unread)


def read(shown: bytes | None, flaw: str, unread: str) -> Certificate | None:
    """A certificate from its bytes; None where none came."""
    if shown is None:
        return None
    try:
        found = x509.load_der_x509_certificate(shown)
        begins, ends = found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp()
        return Certificate(_names(found), begins, ends, flaw, unread)
    except ValueError as error:
        return Certificate(flaw=flaw, unread=unread or f"it is no certificate: {error}")


def _names(found: x509.Certificate) -> tuple[str, ...]:
    """The names and addresses that it is for."""
    try:
        rows: Any = found.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except x509.ExtensionNotFound:
        return ()
    names = (*rows.get_values_for_type(x509.DNSName), *map(str, rows.get_values_for_type(x509.IPAddress)))
    if (size := sum(map(len, names))) > _NAMES:
        msg = f"its names have {size} characters, at most {_NAMES} are read"
        raise ValueError(msg)
    return names
