"""Https: the address that people type leads to the console, by a certificate that they may trust."""

from __future__ import annotations

import ipaddress
import time
from typing import TYPE_CHECKING, cast

from voxgate.errors import Blind
from voxgate.model.counting import counted
from voxgate.model.evidence import known
from voxgate.plugin import invariant, say_all
from voxgate.redaction.shortening import beginning
from voxgate.survey.codings import seen, size_of
from voxgate.survey.commands import NGINX_RELOADED, edit_where
from voxgate.survey.sending import leads_to
from voxgate.survey.sites import balanced, entrance_of, leading_ways, site_ways

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxgate.model.answers import Answer, Certificate
    from voxgate.model.estate import Estate, Placement
    from voxgate.model.front import Front
    from voxgate.model.look import Evidence, Look
    from voxgate.model.service import Endpoint
    from voxgate.survey.sites import Entrance

OK = 200
DAY = 24 * 3600  # seconds
# What OpenSSL says of what is said here in plain words, and more of it at once.
SAID = ("certificate has expired", "certificate is not yet valid", "hostname mismatch", "ip address mismatch")


@invariant(
    per="estate",
    services=("console",),
    needs=("https",),
    faults=("https-certificate-ended", "https-certificate-of-another", "https-not-asked-for"),
    threats=("served",),
)
def test_people_reach_the_console_by_https(estate: Estate, evidence: Evidence) -> None:
    """A certificate that has ended, or is for another name, turns everybody away at once, and it is known weeks before. Whoever
    types the bare name is sent on to https, and sees nothing in the open. Judged where the estate says what people type: an https
    url in [console].
    """
    wrong, unread = dict[tuple[str, str], list[str]](), dict[str, str]()
    front = cast("Front", estate.front)  # without one this rule has nothing to be judged on (``needs``)
    for place, what, do in _found(estate, front, evidence.second):
        if do:
            wrong.setdefault((what, do), []).append(place)
        else:
            unread[place] = what
    rows = [f"{at[0]}{f' and {len(at) - 1} more' if len(at) > 1 else ''} {what}" for (what, _), at in wrong.items()]
    if unread and not wrong:
        place, why = min(unread.items())
        hint = f"ca in [console] of hosts/{estate.name}.toml is a file of certificates (PEM) on the gate"
        raise Blind("its certificate could not be judged", where=place, why=why, hint=hint)
    rows += [f"{place}: its certificate could not be judged: {why}" for place, why in unread.items()]
    assert not wrong, say_all("", rows, "; ".join(dict.fromkeys(do for _, do in wrong)))


def _found(estate: Estate, front: Front, look: Look) -> Iterator[tuple[str, str, str]]:
    """What is wrong, at each place: where, what, what to do about it; nothing to do where it could not be judged."""
    for placement in [one for one in estate.placements if one.service.site is not None]:
        yield from _of_host(estate, front, placement, look)
    question = balanced(estate)
    if question is None:
        return
    answer, place = look.answer(question), f"{front.url} (from {question.host} at {question.address})"
    if answer.trouble:
        hint = f"is that how it is found from {question.host}? at in [console] says where"
        yield place, f"gave no answer: {answer.trouble}", hint
        return
    yield from ((place, *row) for row in _of_certificate(answer, front, ""))
    if (answer.status, seen(answer)) not in {(OK, sha256) for sha256 in _indexes(estate, look)}:
        what = f"answers {answer.status} and {size_of(answer)} bytes that are no index.html of the hosts"
        yield place, what, "what ends its TLS sends people elsewhere: where do its backends point?"


def _of_host(estate: Estate, front: Front, placement: Placement, look: Look) -> Iterator[tuple[str, str, str]]:
    """The same for one host of the console."""
    host = look.host(placement.host.name)
    site, entrance = (
        cast("Endpoint", placement.service.site),
        cast("Entrance", entrance_of(estate, placement)),
    )  # only such are asked
    known(host.addresses)
    known(host.listeners)
    for way in site_ways(host, entrance) if entrance.tls else ():
        answer = look.answer(way.question(site, ""))
        if not answer.trouble:  # that it gives none is said by the rule about its files
            on = f"on {placement.host.name}: "
            yield from ((f"{placement.host} :{way.port} ({way})", *row) for row in _of_certificate(answer, front, on))
    for way in leading_ways(host, entrance):
        answer = look.answer(way.question(site, ""))
        if not answer.trouble and leads_to(answer) != front.url.lower():
            to = answer.headers.get("location", "")
            what = f"answers {answer.status}{f' and sends people to {beginning(to, 100)}' if to else ''}, not on to {front.url}"
            said = f"return 301 {front.url}$request_uri in nginx's server of {front.name} on :{way.port}"
            hint = f"{said}: on {placement.host.name}: {edit_where('-rlw server_name', '/etc/nginx')}, then {NGINX_RELOADED}"
            yield f"{placement.host} :{way.port} ({way})", what, hint


def _indexes(estate: Estate, look: Look) -> Iterator[str]:
    """The page as each host has it published."""
    for one in estate.placements:
        if one.service.site is not None:
            files = known(look.host(one.host.name).dists[one.service.name]).files
            yield from (files[name][1] for name in ("index.html",) if name in files)


def _of_certificate(answer: Answer, front: Front, on: str) -> Iterator[tuple[str, str]]:
    """What is wrong with the certificate that came with an answer, all of it, in plain words, and what to do about it; ``on`` is
    how a command begins where it is shown, empty where that is no host of the estate.
    """
    renew = f"renew it, and reload what shows it: {f'{on}`certbot renew`; {on}{NGINX_RELOADED}' if on else 'where its TLS ends'}"
    shown = answer.certificate
    if shown is None:
        yield "shows no certificate", f"serve it by TLS, with a certificate for {front.name}"
        return
    if shown.unread:
        yield shown.unread, ""
        return
    left, ends = (shown.ends - answer.asked) / DAY, time.strftime("%Y-%m-%d", time.gmtime(shown.ends))
    if left < 0:
        yield f"has a certificate that ended {counted(round(-left), 'day')} ago ({ends})", renew
    elif left < front.days:
        yield f"has a certificate that ends in {counted(round(left), 'day')} ({ends}), fewer than {front.days}", renew
    if shown.begins > answer.asked:
        begins = time.strftime("%Y-%m-%d", time.gmtime(shown.begins))
        yield f"has a certificate that begins only on {begins}", "is the gate's clock right? else make it anew"
    if not is_for(shown, front.name):
        own = f"{on}{edit_where('-rlw ssl_certificate', '/etc/nginx')}, then {NGINX_RELOADED}" if on else "where its TLS ends"
        yield (
            f"has a certificate for {', '.join(shown.names[:5]) or 'no name'}, not for {front.name}",
            f"the server of {front.name} needs one of its own: {own}",
        )
    flaw = shown.flaw.lower()
    if flaw and not flaw.startswith(SAID):
        hint = "send the whole chain (fullchain.pem); a CA of one's own: ca in [console] is its file on the gate"
        yield f"has a certificate that is not trusted: {shown.flaw}", hint


def is_for(shown: Certificate, name: str) -> bool:
    """True if a certificate is for that name; ``*`` in one stands for its first label, as for browsers."""
    try:
        wanted = ipaddress.ip_address(name)
    except ValueError:
        rest = name.lower().partition(".")[2]
        return any(one.lower() in {name.lower(), *([f"*.{rest}"] if rest else [])} for one in shown.names)
    return any(one == str(wanted) for one in shown.names)
