"""HTTP by TLS: what is served is heard whatever the certificate is, and what is wrong with that is told."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from voxgate.model.answers import Answer, Certificate
from voxgate.model.evidence import Missing
from voxgate.model.front import Front
from voxgate.model.look import Question
from voxgate.transport.clients.http import ask
from voxgate.transport.ssh.connections import Connections

NAME = "console.vox.example"
NOW = datetime.now(UTC)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n"


@dataclass
class Authority:
    """Who makes certificates, in a folder."""

    folder: Path

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"CA of {self.folder.name}")])
        made = _builder(subject, subject, self.key, NOW, NOW + timedelta(days=999))
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate = made.sign(self.key, hashes.SHA256())
        self.ca = self.folder / "ca.pem"
        self.ca.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def context(self, *names: str, days: int = 60, since: int = -90, common: str = "x") -> ssl.SSLContext:
        """A server's, with a certificate for names, from and until some days from now."""
        key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
        made = _builder(subject, self.certificate.subject, key, NOW + timedelta(days=since), NOW + timedelta(days=days))
        if names:
            made = made.add_extension(x509.SubjectAlternativeName([_name(one) for one in names]), critical=False)
        path = self.folder / "both.pem"
        path.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + made.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _name(one: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(one))
    except ValueError:
        return x509.DNSName(one)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    return made.serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends)


@contextmanager
def serving(context: ssl.SSLContext | None, family: socket.AddressFamily = socket.AF_INET) -> Iterator[int]:
    """A server on loopback that says by which name it was asked; without a context it takes connections, and says nothing."""
    held: list[socket.socket] = []

    def serve(peer: socket.socket) -> None:
        if context is None:
            held.append(peer)
            return
        with suppress(OSError), closing(context.wrap_socket(peer, server_side=True)) as line:
            while b"\r\n\r\n" not in line.recv(4096):
                pass
            line.sendall(OK + b"served")

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with closing(socket.create_server(("127.0.0.1", 0), family=family)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for one in held:
                one.close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def asked(connections: Connections, port: int, ca: object = None, *, name: str = NAME, direct: bool = False) -> Answer:
    estate = replace(connections.estate, front=Front(name, 443, tls=True, ca=str(ca) if ca else None))
    connections.estate = estate
    question = Question("one", port, "/", tls=name)
    found = ask(connections, [question], deadline=5.0, direct=direct)[question]
    assert isinstance(found, Answer), found
    return found


def shown(answer: Answer) -> Certificate:
    assert (answer.status, answer.body, answer.trouble) == (200, b"served", "")
    assert answer.certificate is not None
    return answer.certificate


@pytest.mark.parametrize("direct", [True, False])
def test_a_page_comes_with_the_certificate_that_was_shown(
    connections: Connections, authority: Authority, *, direct: bool
) -> None:
    with serving(authority.context(NAME, "192.0.2.1", days=60)) as port:
        found = shown(asked(connections, port, authority.ca, direct=direct))
    assert (found.names, found.flaw, found.unread) == ((NAME, "192.0.2.1"), "", "")
    assert 59 < (found.ends - time.time()) / 86400 <= 60
    assert -91 < (found.begins - time.time()) / 86400 < -89


def test_of_names_without_end_none_is_read(connections: Connections, authority: Authority) -> None:
    """A site is asked some thousand times, and shows them each time."""
    with serving(authority.context(NAME, *(f"n{number}.vox.example" for number in range(2000)))) as port:
        found = shown(asked(connections, port, authority.ca))
    assert (found.names, found.flaw) == ((), "")
    assert found.unread.endswith("characters, at most 16384 are read")


@pytest.mark.parametrize(
    ("names", "more", "flaw"),
    [
        ((NAME,), {"days": -1}, "certificate has expired"),
        ((NAME,), {"since": 2}, "certificate is not yet valid"),
        (("intranet.vox.example",), {}, f"Hostname mismatch, certificate is not valid for '{NAME}'."),
        ((), {"common": NAME}, f"Hostname mismatch, certificate is not valid for '{NAME}'."),
    ],
    ids=["ended", "not begun", "of another name", "by its common name alone"],
)
def test_what_is_served_is_heard_whatever_the_certificate_is(
    connections: Connections, authority: Authority, names: tuple[str, ...], more: dict[str, int], flaw: str
) -> None:
    with serving(authority.context(*names, **more)) as port:  # type: ignore[arg-type]
        assert shown(asked(connections, port, authority.ca)).flaw == flaw


def test_only_the_authorities_that_are_named_count(connections: Connections, authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with serving(authority.context(NAME)) as port:
        assert shown(asked(connections, port, Authority(tmp_path / "other").ca)).flaw.startswith("unable to get local issuer")
        assert shown(asked(connections, port)).flaw.startswith("unable to get local issuer")  # none of the system's made it


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_authorities_that_cannot_be_read_are_said(
    connections: Connections, authority: Authority, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "mine.pem"
    if content is not None:
        path.write_bytes(content)
    with serving(authority.context(NAME)) as port:
        found = shown(asked(connections, port, path))
    assert found.unread.startswith(f"{path}: ")
    assert found.flaw == ""


def test_an_address_is_asked_for_as_one(connections: Connections, authority: Authority) -> None:
    with serving(authority.context("127.0.0.1")) as port:
        assert shown(asked(connections, port, authority.ca, name="127.0.0.1")).flaw == ""


def test_the_server_of_the_name_answers(connections: Connections, authority: Authority) -> None:
    context, other = authority.context("x.example"), authority.context(NAME)

    def pick(line: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        if name == NAME:
            line.context = other

    context.sni_callback = pick
    with serving(context) as port:
        assert shown(asked(connections, port, authority.ca)).names == (NAME,)


def test_what_speaks_no_tls_gives_no_answer(connections: Connections) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def speak() -> None:
            with suppress(OSError):
                while True:
                    with listener.accept()[0] as peer:
                        peer.recv(4096)
                        peer.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=speak, daemon=True)
        thread.start()
        found = asked(connections, listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    assert found.trouble.startswith("no TLS: ")
    assert found.certificate is None


def test_silence_in_the_handshake_has_an_end(connections: Connections) -> None:
    question = Question("one", 0, "/", tls=NAME)
    with serving(None) as port:
        found = ask(connections, [replace(question, port=port)], deadline=0.5)[replace(question, port=port)]
    assert isinstance(found, Answer)
    assert found.trouble == "no answer within 0.5 s"


def test_a_name_that_no_handshake_can_carry_stops_no_other(connections: Connections, authority: Authority) -> None:
    with serving(authority.context(NAME)) as port:
        bad, good = (Question("one", port, "/", tls=name) for name in ("x" * 70 + ".example", NAME))
        found = ask(connections, [bad, good])
    assert isinstance(found[bad], Missing)
    assert isinstance(found[good], Answer)
