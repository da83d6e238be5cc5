"""What the gate's own machine gives to what the gate starts and keeps there: an environment by name, and folders of its own."""

from __future__ import annotations

import grp
import os
from collections.abc import Mapping
from pathlib import Path

from voxgate.errors import VoxgateError

# Nothing else is passed on: a token that the gate was given is for the gate. The cookie is how Jenkins finds what it aborts.
_ALL = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "TZ", "TMPDIR"),
    *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "JENKINS_NODE_COOKIE"),
)
_NETWORK = ("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_NPM = ("registry", "cafile", "cache", "userconfig", "globalconfig", "prefix", "offline")
_BUILD = ("BUILD_URL", "BUILD_NUMBER", "BUILD_TAG", "JOB_NAME", "JENKINS_URL", "CI", "COLUMNS", "NO_COLOR")
_SSH = ("SSH_AUTH_SOCK", "KRB5CCNAME")
KEPT = "VOXGATE_KEEP"
GROUP = "VOXGATE_GROUP"


def environment(
    *, network: bool = False, ssh: bool = False, build: bool = False, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The environment of a process that the gate starts: a closed list of names. ``network``: it asks a registry or a remote,
    by the proxies and certificates of this machine. ``ssh``: it may ask the agent, and gets what VOXGATE_KEEP names, as a
    ProxyCommand or a credential helper may need more. ``build``: it reports, and says which build of Jenkins' it is.
    """
    names = list(_ALL)
    if network or ssh:
        names += [*_NETWORK, *(name for proxy in _PROXIES for name in (proxy, proxy.lower()))]
    if build:
        names += _BUILD
    if network:
        names += [name for word in _NPM for name in (f"npm_config_{word}", f"NPM_CONFIG_{word.upper()}")]
    if ssh:
        names += [*_SSH, *environ.get(KEPT, "").replace(",", " ").split()]
    return {name: environ[name] for name in names if name in environ}


def own_folder(path: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Make ``path``, and whatever of its parents is missing, for this account alone (0700); where VOXGATE_GROUP names a group,
    its members may read it (2750). Returns ``path``. Raises VoxgateError where there is no such group, or it cannot be
    given; OSError where the folder cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.mkdir(exist_ok=True, mode=0o700)
    name = environ.get(GROUP, "")
    if not name:
        path.chmod(0o700)
        return path
    try:
        os.chown(path, -1, grp.getgrnam(name).gr_gid)
    except KeyError:
        raise VoxgateError(f"there is no group {name!r}", where=GROUP, hint="name one that getent group lists") from None
    except PermissionError:
        raise VoxgateError(
            f"cannot give a folder to the group {name}", where=str(path), hint="this account must be in it"
        ) from None
    path.chmod(0o2750)  # what is made in it is the group's as well
    return path
