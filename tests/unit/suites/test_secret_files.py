"""Files of secrets: read by root, or keys as Debian means it."""

from __future__ import annotations

import pytest

from voxgate.contracts.catalogue import read_catalogue
from voxgate.model.invariant import expected
from voxgate.model.surroundings import SecretFileFact
from voxgate.plugin import without_pytest

from .conftest import Case

API, RULE, SUBJECT = "api-1", "secret-files-are-roots-alone", "secret-files-are-roots-alone[api-1]"
PATH = "/etc/letsencrypt/archive/vox/privkey1.pem"


def found(case: Case, owner: str, group: str, *readers: str) -> str:
    """What the rule says of such a key; empty where it holds."""
    said = case.host(API, secret_files=(SecretFileFact(PATH, owner, group, readers),)).judge([RULE])
    assert set(said) <= {SUBJECT}
    return said[SUBJECT][1] if said else ""


def test_a_key_of_roots_holds_and_debians_group_for_keys_too(green: Case) -> None:
    assert found(green, "root", "root") == ""
    assert found(green, "root", "ssl-cert", "postgres") == ""


@pytest.mark.parametrize(
    ("owner", "group", "readers"),
    [
        ("root", "root", ("everybody",)),
        ("root", "www-data", ("www-data",)),
        ("www-data", "root", ("www-data",)),
        ("root", "ssl-cert", ("vox",)),
        ("root", "ssl-cert", ("deploy",)),
        ("root", "ssl-cert", ("everybody",)),
        ("postgres", "ssl-cert", ("postgres",)),
    ],
)
def test_whoever_else_may_read_one_is_named(green: Case, owner: str, group: str, readers: tuple[str, ...]) -> None:
    assert f"{PATH} can be read by {', '.join(readers)}" in found(green, owner, group, *readers)


def advice(case: Case, owner: str, group: str, *readers: str) -> str:
    """What there is to do about such a key."""
    with_key = case.host(API, secret_files=(SecretFileFact(PATH, owner, group, readers),))
    rows = expected(read_catalogue(), case.estate, (), deploying=frozenset())
    (one,) = (one for one in rows if one.id == SUBJECT)
    judged = without_pytest.judge(one, with_key.estate, with_key.evidence)
    assert judged is not None
    return judged.advice


def test_what_is_to_be_done_is_said(green: Case) -> None:
    of_group = advice(green, "root", "ssl-cert", "postgres", "vox")
    assert "`gpasswd -d vox ssl-cert`" in of_group
    assert "postgres" not in of_group
    assert "-execdir chown -h root" in advice(green, "www-data", "root", "www-data")
    to_all = advice(green, "root", "root", "everybody")
    assert "chown" not in to_all
    assert f"-path {PATH} -type f -execdir python3" in to_all
    assert to_all.endswith("who read it may have kept it: have the key or the words made anew")
