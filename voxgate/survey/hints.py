"""What to do where nobody could look, by the words of the probe. Whoever reads it may type it as root: of what a host said only
numbers and names of a closed list come into it.
"""

from __future__ import annotations

import re

_SYSTEMD = "systemd does not answer there: look at the host's console, and restart the host"
_HINTS = (
    (re.compile(r"(?:^|/| )(?P<name>git|openssl|python3|sudo) is not installed$"), "on the host: sudo apt-get install {name}"),
    (re.compile(r"\bsystemctl [a-z-]+ (?:ended with|was not done)"), _SYSTEMD),
    (
        re.compile(r"/proc/1/cgroup: No such file"),
        "/proc hides processes there, from root too: sudo mount -o remount,hidepid=0 /proc",
    ),
    (
        re.compile(r"something is mounted over (?P<name>/proc/[0-9]{1,10}): it hides a process"),
        "on the host: sudo umount {name}, and look for who mounted it",
    ),
    (re.compile(r"No space left on device|Disk quota exceeded"), "make room there, of bytes and of inodes: df -h; df -i"),
)


def hint_for(said: str) -> str:
    """What mends what the probe said, "" where nobody knows."""
    for words, hint in _HINTS:
        if found := words.search(said):
            return hint.format(**found.groupdict())
    return ""
