"""What hosts/proxies keeps, and what a host's nginx and HAProxy read: the same, or a finding that says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from voxgate.contracts.catalogue import read_catalogue
from voxgate.model.advice import commands_in
from voxgate.model.evidence import Missing, known
from voxgate.model.invariant import expected
from voxgate.model.kept_file import KeptFile
from voxgate.model.web_servers import MadeOfFact
from voxgate.plugin import without_pytest

from .conftest import Case

API = "api-1"
NGINX, HAPROXY = "nginx-files-are-the-kept[console-api-1]", "haproxy-files-are-the-kept[api-1]"
RULES = ("nginx-files-are-the-kept", "haproxy-files-are-the-kept")
A, B = "a" * 64, "b" * 64
SITE, MAIN, CONFIG = "/etc/nginx/sites-enabled/vox", "/etc/nginx/nginx.conf", "/etc/haproxy/haproxy.cfg"


def keeping(case: Case, **files: str) -> Case:
    """An estate that keeps these files, by path."""
    kept = tuple(KeptFile(path, sha, f"hosts/proxies/lab{path.removeprefix('/etc')}") for path, sha in files.items())
    return replace(case, estate=replace(case.estate, proxies={API: kept}))


def reading(case: Case, files: Mapping[str, str], section: str = "nginx", **more: object) -> Case:
    """A proxy that reads these files."""
    return case.fact(API, section, made_of=MadeOfFact(files, **more))  # type: ignore[arg-type]


def said(case: Case, identity: str = NGINX) -> tuple[str, str]:
    """Verdict and words of the rule; empty where it holds."""
    found = case.judge(RULES)
    assert set(found) <= {identity}
    return found.get(identity, ("", ""))


def advice(case: Case, identity: str = NGINX) -> str:
    one = next(one for one in expected(read_catalogue(), case.estate, (), deploying=frozenset()) if one.id == identity)
    judged = without_pytest.judge(one, case.estate, case.evidence)
    assert judged is not None
    return judged.advice


def test_where_nothing_is_kept_nothing_is_expected(green: Case) -> None:
    assert said(reading(green, {SITE: B, "/etc/nginx/conf.d/x.conf": B})) == ("", "")
    assert said(green.fact(API, "nginx", masters=())) == ("", "")
    lost = Missing("timeout", "not done after 10 s")
    assert said(green.host(API, nginx=lost, haproxy=lost)) == ("", "")


def test_a_section_that_was_not_seen_is_blind_where_something_is_kept(green: Case) -> None:
    lost = Missing("timeout", "not done after 10 s")
    assert said(keeping(green, **{SITE: A}).host(API, nginx=lost))[0] == "blind"
    assert said(keeping(green, **{CONFIG: A}).host(API, haproxy=lost), HAPROXY)[0] == "blind"


def test_the_kept_files_hold_beside_what_a_package_brought(green: Case) -> None:
    files = {MAIN: B, SITE: A, "/etc/letsencrypt/options.conf": B}
    assert said(reading(keeping(green, **{SITE: A}), files, vouched=(MAIN,))) == ("", "")


def test_another_line_is_another_file(green: Case) -> None:
    case = reading(keeping(green, **{SITE: A}), {SITE: B})
    assert said(case) == ("violated", f"api-1: {SITE} is not the one in hosts/proxies/lab/nginx/sites-enabled/vox")
    at, place = "ssh YOU@198.51.100.21", "hosts/proxies/lab/nginx/sites-enabled/vox"
    assert [(one.text, one.is_the_gates) for one in commands_in(advice(case))] == [
        (f"{at} 'sudo cat {SITE}' | diff {place} -", True),
        (f"{at} 'sudo tee {SITE}' <{place} >/dev/null", True),
        (f"{at} 'sudo cat {SITE}' >{place}", True),
        ("nginx -t && systemctl reload nginx", False),
    ]


def test_a_file_that_is_kept_by_nobody_is_named(green: Case) -> None:
    more = "/etc/nginx/conf.d/more.conf"
    case = reading(keeping(green, **{SITE: A}), {SITE: A, more: B})
    assert said(case) == ("violated", f"api-1: nginx reads {more}, which hosts/proxies does not keep")
    place = "hosts/proxies/lab/nginx/conf.d"
    assert [(one.text, one.is_the_gates) for one in commands_in(advice(case))] == [
        (f"rm {more}", False),
        (f"mkdir -p {place} && ssh YOU@198.51.100.21 'sudo cat {more}' >{place}/more.conf", True),
        ("nginx -t && systemctl reload nginx", False),
    ]


def test_what_others_include_by_its_name_is_not_simply_removed(green: Case) -> None:
    """No nginx would start again without nginx.conf."""
    case = reading(keeping(green, **{SITE: A}), {SITE: A, MAIN: B})
    assert said(case) == ("violated", f"api-1: nginx reads {MAIN}, which hosts/proxies does not keep")
    first, second, _ = commands_in(advice(case))
    assert (first.text, first.is_the_gates) == (f"cat {MAIN}", False)
    assert (second.text.partition(" && ")[0], second.is_the_gates) == ("mkdir -p hosts/proxies/lab/nginx", True)


def test_what_is_kept_and_not_read_is_named(green: Case) -> None:
    case = reading(keeping(green, **{SITE: A, MAIN: A}), {MAIN: A})
    assert said(case) == (
        "violated",
        f"api-1: nginx does not read {SITE}, which is kept in hosts/proxies/lab/nginx/sites-enabled/vox",
    )


def test_a_link_is_kept_by_either_of_its_paths(green: Case) -> None:
    there = "/etc/nginx/sites-available/vox"
    for kept in ({SITE: A}, {there: A}, {SITE: A, there: A}):
        assert said(reading(keeping(green, **kept), {SITE: A}, links={SITE: there})) == ("", "")
    assert said(reading(keeping(green, **{there: A}), {SITE: B}, links={SITE: there}))[0] == "violated"


def test_of_a_file_that_is_shut_the_first_digits_must_do(green: Case) -> None:
    assert said(reading(keeping(green, **{SITE: A}), {SITE: A[:3]})) == ("", "")
    assert said(reading(keeping(green, **{SITE: A}), {SITE: B[:3]}))[0] == "violated"


def test_what_is_not_known_is_blind_and_hides_nothing(green: Case) -> None:
    kept = keeping(green, **{SITE: A, MAIN: A})
    assert said(kept.fact(API, "nginx", made_of=None)) == (
        "blind",
        "api-1: nobody says which files nginx reads (its probe is of an earlier voxgate: make probe-update)",
    )
    doubted = kept.fact(API, "nginx", made_of=None, doubts=("nginx reads /x, and not only root can change /x",))
    assert "(nginx reads /x, and not only root can change /x)" in said(doubted)[1]
    assert said(reading(kept, {SITE: "unreadable", MAIN: A})) == ("blind", f"api-1: nginx reads {SITE}, and the probe cannot")
    assert said(reading(kept, {MAIN: A}, more=1)) == ("blind", "api-1: nginx reads 1 more file than are looked at")
    both = said(reading(kept, {SITE: "unreadable", MAIN: B}))
    assert both[0] == "violated"
    assert both[1].endswith(f"nginx/nginx.conf; nginx reads {SITE}, and the probe cannot")


def test_a_proxy_that_does_not_run_reads_nothing(green: Case) -> None:
    case = keeping(green, **{SITE: A}).fact(API, "nginx", masters=(), made_of=None)
    assert said(case) == ("violated", "api-1: no nginx runs that would read what hosts/proxies keeps")
    assert [one.text for one in commands_in(advice(case))] == ["systemctl start nginx"]


def test_of_many_files_the_first_are_told(green: Case) -> None:
    files = {f"/etc/nginx/conf.d/{number:03}.conf": B for number in range(25)}
    verdict, found = said(reading(keeping(green, **{SITE: A}), {SITE: A, **files}))
    assert (verdict, found.count("which hosts/proxies does not keep")) == ("violated", 20)
    assert found.endswith("; and 5 more")


@pytest.mark.parametrize(("digest", "verdict"), [(A, ""), (B, "violated")])
def test_haproxy_s_are_compared_the_same_way(green: Case, digest: str, verdict: str) -> None:
    assert known(green.of(API).haproxy).running
    case = reading(keeping(green, **{CONFIG: A}), {CONFIG: digest}, "haproxy")
    assert said(case, HAPROXY)[0] == verdict
    if verdict:
        assert "haproxy -c -f /etc/haproxy/haproxy.cfg && systemctl reload haproxy" in advice(case, HAPROXY)


def test_a_haproxy_that_is_not_there_or_cannot_be_asked(green: Case) -> None:
    case = keeping(green, **{CONFIG: A})
    assert said(case.fact(API, "haproxy", running=False), HAPROXY)[0] == "violated"
    assert said(case.fact(API, "haproxy", made_of=None), HAPROXY)[0] == "blind"
    more = "/etc/haproxy/conf.d/x.cfg"
    assert said(reading(case, {CONFIG: A, more: B}, "haproxy"), HAPROXY)[0] == "violated"
    both = said(reading(case, {CONFIG: "unreadable", more: B}, "haproxy"), HAPROXY)
    assert both == (
        "violated",
        f"api-1: HAProxy reads {more}, which hosts/proxies does not keep; HAProxy reads {CONFIG}, and the probe cannot",
    )
