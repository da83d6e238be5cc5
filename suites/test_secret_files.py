"""Files of secrets that are root's: nobody else reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.model.advice import quoted
from voxgate.model.evidence import known
from voxgate.plugin import invariant, say_all
from voxgate.survey.commands import closed_to_others, given_to_root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxgate.model.estate import Estate
    from voxgate.model.look import Evidence
    from voxgate.model.surroundings import SecretFileFact

EVERYBODY, SSL_CERT = "everybody", "ssl-cert"


@invariant(
    per="host_name",
    guards="secrets",
    faults=("tls-key-readable-by-all", "tls-key-readable-by-the-web-server", "build-env-readable"),
    threats=("rights",),
)
def test_secret_files_are_roots_alone(host_name: str, estate: Estate, evidence: Evidence) -> None:
    """Whoever has the key of a certificate can be the console, or the fleet, to everybody; whoever has a host's own key can be
    that host, and sign what was never seen; and what a build is given opens a registry. So none but root may read the host's
    keys, those that nginx and HAProxy are configured with, and /etc/voxgate/build.env: all who use them read them as root. But
    Debian's group for keys may, ssl-cert, as long as none of the accounts that services run as, or that log in for a deploy, is
    in it. Not seen: keys that other programs use, and copies that no configuration names.
    """
    never = estate.never_all(estate.host(host_name)) | {EVERYBODY}
    wrong: dict[str, str] = {}
    for file in known(evidence.second.host(host_name).secret_files):
        readers = [one for one in file.readers if file.group != SSL_CERT or file.owner != "root" or one in never]
        if readers:
            wrong[f"{file.path} can be read by {', '.join(readers)}"] = _closed(file, readers)
    do = [*dict.fromkeys(wrong.values()), "who read it may have kept it: have the key or the words made anew"]
    assert not wrong, say_all(host_name, list(wrong), "; ".join(do))


def _closed(file: SecretFileFact, readers: Sequence[str]) -> str:
    """What keeps these from reading a file."""
    if file.group == SSL_CERT and file.owner == "root" and EVERYBODY not in readers:
        return "; ".join(f"`gpasswd -d {quoted(one, SSL_CERT)}`" for one in readers)
    given = [given_to_root(file.path)] if file.owner != "root" else []
    return "; ".join([*given, closed_to_others([file.path])])
