"""What to do where nobody could look: typed by whoever is root, so no word of a host's comes into it."""

from __future__ import annotations

import pytest

from voxgate.survey.hints import hint_for


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("checkouts of backend: git is not installed", "on the host: sudo apt-get install git"),
        ("clock: /usr/bin/openssl is not installed", "on the host: sudo apt-get install openssl"),
        (
            "units: systemctl list-units was not done after 9 s",
            "systemd does not answer there: look at the host's console, and restart the host",
        ),
        (
            "keys: /proc/1/cgroup: No such file or directory",
            "/proc hides processes there, from root too: sudo mount -o remount,hidepid=0 /proc",
        ),
        (
            "engines: something is mounted over /proc/6398: it hides a process",
            "on the host: sudo umount /proc/6398, and look for who mounted it",
        ),
        ("units: anything else", ""),
        ("x; rm -rf / is not installed", ""),
        ("something is mounted over /proc/1;reboot: it hides a process", ""),
        ("something is mounted over /proc/\u0661: it hides a process", ""),
    ],
)
def test_what_mends_it(said: str, hint: str) -> None:
    assert hint_for(said) == hint
