"""Who may read the files of secrets that root alone reads, and which these are, on real files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.built import probe

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
NOBODY, WWW_DATA = 65534, 33


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A key of root's, below folders that all may pass."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    path = tmp_path / "live" / "privkey.pem"
    path.parent.mkdir()
    path.write_text("no key\n")
    path.chmod(0o600)
    return path


def readers(path: Path) -> set[str]:
    """As the probe tells."""
    found: set[str] = probe.who_reads(str(path), path.stat())
    return found


def test_what_only_root_reads_has_no_readers(key: Path) -> None:
    assert readers(key) == set()


def test_everybody_and_a_group_and_an_owner_are_told(key: Path) -> None:
    key.chmod(0o604)
    assert readers(key) == {"everybody"}
    os.chown(key, 0, WWW_DATA)
    key.chmod(0o640)
    assert readers(key) == {"www-data"}
    os.chown(key, NOBODY, 0)
    key.chmod(0o400)
    assert readers(key) == {"nobody"}


def test_who_may_read_the_host_s_own_keys_is_told(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What root saw is signed by one: some distributions give them to a group (ssh_keys), in which anybody may be."""
    config = key.parent / "sshd_config"
    config.write_text(f"HostKey {key}\n")
    monkeypatch.setattr(probe, "HOST_KEYS", ())
    monkeypatch.setattr(probe, "SSHD_CONFIGS", (str(config),))
    monkeypatch.setattr(probe, "roots_alone", lambda _: True)  # on the way to it lies /tmp
    monkeypatch.setattr(probe, "OF_BUILDS", str(key.parent / "none"))
    found = type("Found", (), {"value": staticmethod(list)})
    os.chown(key, 0, WWW_DATA)
    for mode, wanted in ((0o640, ["www-data"]), (0o600, [])):
        key.chmod(mode)
        (row,) = probe.secret_files(found)
        assert (row["path"], row["owner"], row["group"], row["readers"]) == (str(key), "root", "www-data", wanted)


def test_a_folder_that_they_may_not_pass_keeps_them_from_it(key: Path) -> None:
    key.chmod(0o644)
    key.parent.chmod(0o700)
    assert readers(key) == set()
    os.chown(key.parent, 0, WWW_DATA)
    key.parent.chmod(0o750)
    assert readers(key) == {"www-data"}
    os.chown(key, NOBODY, 0)
    key.chmod(0o600)
    assert readers(key) == set()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("http { server { ssl_certificate /a.pem; ssl_certificate_key /k.pem; } }", ["/k.pem"]),
        ("server { ssl_certificate_key 'k dir/k.pem'; }", ["/etc/nginx/k dir/k.pem"]),
        (
            "location / { proxy_ssl_certificate_key /p.pem; ssl_password_file /w; ssl_session_ticket_key /t; }",
            ["/p.pem", "/w", "/t"],
        ),
        ("ssl_certificate_key data:$key; ssl_certificate_key /k/$ssl_server_name.pem; ssl_certificate_key engine:e:k;", []),
        ("# ssl_certificate_key /k.pem;\nssl_certificate_key", []),
    ],
)
def test_the_keys_of_nginx(tmp_path: Path, text: str, named: list[str]) -> None:
    file = tmp_path / "nginx.conf"
    file.write_text(text)
    loose = probe.others_change(str(file))
    assert list(probe.keys_of_nginx([str(file)])) == ([] if loose else named)


def test_the_keys_of_haproxy(tmp_path: Path) -> None:
    (tmp_path / "both").mkdir()
    for name in ("both/a.pem", "both/b.pem", "one.pem", "one.pem.key"):
        (tmp_path / name).write_text("x")
    text = f"""
global
    crt-base {tmp_path}
frontend web
    bind :443 ssl crt {tmp_path}/both crt one.pem alpn h2  # crt /no
    bind :8443 ssl crt "{tmp_path}/one.pem"
crt-store
    key-base {tmp_path}
    load crt "one.pem" key "one.pem.key"
backend b
    server s 192.0.2.1:443 ssl crt relative.pem
"""
    found = {path.removeprefix(f"{tmp_path}/") for path in probe.keys_of_haproxy(text)}
    assert found == {"both/a.pem", "both/b.pem", "one.pem", "one.pem.key", "relative.pem"}
    assert list(probe.keys_of_haproxy("crt\nbind crt relative.pem\ncrt-base\n")) == []
