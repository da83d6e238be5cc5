"""What nginx's and HAProxy's configuration is made of: hashes of real files, told by the built probe."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.built import probe
from tests.unit.survey.test_probe_believing import NOBODY, STAT, calling_itself, haproxy_as, nginx_as, row_of
from tests.unit.survey.test_probe_believing import kept as kept  # noqa: PLC0414 - a fixture

SAID = b"server { listen 80; }\n"
SHA256 = hashlib.sha256(SAID).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that everybody may read."""
    path = tmp_path / "site.conf"
    path.write_bytes(SAID)
    path.chmod(0o644)
    return path


def test_each_file_is_told_by_its_hash_and_no_folder_is(file: Path) -> None:
    told = probe.files_told([str(file), str(file.parent), str(file), f"{file}.gone"])
    assert told == {"files": {str(file): SHA256}, "links": {}, "vouched": [], "more": 0}


def test_of_what_who_asks_may_not_read_only_three_digits_are_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password may stand in it, and all around it be known: a whole hash would let it be guessed."""
    monkeypatch.setattr(probe, "caller", lambda: NOBODY)
    assert probe.files_told([str(file)])["files"] == {str(file): SHA256}
    file.chmod(0o640)
    assert probe.files_told([str(file)])["files"] == {str(file): SHA256[:3]}


def test_a_link_is_followed_and_told(file: Path) -> None:
    link, lost = file.parent / "link", file.parent / "lost"
    link.symlink_to(file.name)
    lost.symlink_to("nowhere")
    told = probe.files_told([str(link), str(lost)])
    assert told["files"] == {str(link): SHA256, str(lost): "unreadable"}
    assert told["links"] == {str(link): str(file), str(lost): str(file.parent / "nowhere")}


def test_what_is_no_small_file_is_told_as_unreadable(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = file.parent / "pipe"
    os.mkfifo(pipe)
    monkeypatch.setattr(probe, "SMALL_FILE", len(SAID) - 1)
    assert probe.files_told([str(file), str(pipe)])["files"] == {str(file): "unreadable", str(pipe): "unreadable"}


def test_there_is_an_end_to_how_many_are_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [file.parent / name for name in ("b", "c")]
    for path in others:
        path.write_bytes(SAID)
    monkeypatch.setattr(probe, "MADE_OF_AT_MOST", 2)
    told = probe.files_told(map(str, [file, *others]))
    assert (len(told["files"]), told["more"]) == (2, 1)


def test_a_configuration_file_that_is_as_its_package_brought_it_is_vouched_for(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By dpkg's own notes; a link that a package enables by leads to such a file."""
    ours, link = "/etc/hosts", tmp_path / "50-hosts.conf"
    link.symlink_to(ours)
    md5 = hashlib.md5(Path(ours).read_bytes(), usedforsecurity=False).hexdigest()
    (tmp_path / "dpkg").mkdir()
    (tmp_path / "dpkg/status").write_text(f"Package: base\nConffiles:\n {ours} {md5}\n /etc/passwd {'0' * 32}\n")
    monkeypatch.setattr(probe, "DPKG", str(tmp_path / "dpkg"))
    probe.dpkg_hashes.cache_clear()
    told = probe.files_told([str(file), ours, str(link), "/etc/passwd"])
    probe.dpkg_hashes.cache_clear()
    assert set(told["vouched"]) == {ours, str(link)}


def test_nginx_tells_the_files_that_it_lists(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it refuses its configuration it lists none: then those that it would read, as far as we read it."""
    (kept / "site.conf").write_bytes(SAID)
    found, _ = nginx_as(kept, "include {0}/site.conf;", monkeypatch)
    assert found["made_of"]["files"][str(kept / "site.conf")] == SHA256
    assert set(found["made_of"]["files"]) == {str(kept / "nginx.conf"), str(kept / "site.conf")}
    (kept / "nginx").write_text(f"#!/bin/sh\n[ $1 = -V ] || printf '# configuration file {kept}/site.conf:\\n%s\\n\\n' x\n")
    monkeypatch.setattr(probe, "nginx_loose", lambda *_: [])
    with calling_itself("nginx", ["nginx: master process /usr/sbin/nginx"], uid=0) as pid:
        rows = [row_of(pid, unit="nginx.service")]
        told = probe.nginx(probe.Job(lambda: rows))
    assert set(told["made_of"]["files"]) == {str(kept / "site.conf")}


def test_nobody_says_of_a_nginx_that_was_not_asked(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (kept / "site.conf").write_bytes(SAID)
    (kept / "site.conf").chmod(0o666)
    (kept / "asked").touch()
    (kept / "nginx.conf").write_text("")
    monkeypatch.setattr(probe, "NGINX_CONFIG", str(kept / "site.conf"))
    monkeypatch.setitem(probe.DAEMONS, "nginx", probe.Daemon((os.path.realpath("/usr/bin/python3"),), "nginx"))
    with calling_itself("nginx", ["nginx: master process /usr/sbin/nginx"], uid=0) as pid:
        rows = [row_of(pid, unit="nginx.service")]
        assert probe.nginx(probe.Job(lambda: rows))["made_of"] is None


def test_haproxy_tells_the_files_that_it_was_told_to_read(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (kept / "cfg").write_text(f"stats socket {kept}/socket\n")
    monkeypatch.setattr(probe, "haproxy_says", lambda *_: STAT.decode())
    with calling_itself("haproxy", ["haproxy"], uid=0) as pid:
        found = haproxy_as(monkeypatch, kept / "cfg", pid)
    assert set(found["made_of"]["files"]) == {str(kept / "cfg")}
    (kept / "cfg").chmod(0o666)
    with calling_itself("haproxy", ["haproxy"], uid=0) as pid:
        assert haproxy_as(monkeypatch, kept / "cfg", pid)["made_of"] is None
