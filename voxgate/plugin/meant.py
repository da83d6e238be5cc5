"""What a command line may ask for, said before anything is opened, made or touched: each mistake is one line and a hint."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from voxgate.errors import Refused, VoxgateError
from voxgate.model.counting import counted
from voxgate.model.look import Look
from voxgate.model.nearest import nearest
from voxgate.plugin.options import TESTINFRA
from voxgate.plugin.run_options import is_selected

_OF_HOSTS = ("deploy", "rollback", "plan", "recover", "history", "releases", "clear", "standing")
"""What is asked of hosts themselves, so that no saved look can tell or do it."""

_OF_A_DEPLOY = (
    *("wait", "drain", "no_way_back", "breaking", "require_green_build", "reason"),
    *("require_attested", "attested", "override_promotion"),
)
_OF_A_LOOK = ("shard", "bake")

_WORDS = frozenset({"and", "or", "not", "True", "False", "None"})
_DAY = 86400


def must_have_what_it_needs(config: pytest.Config) -> None:
    """Raises Refused for what is asked of the hosts of no estate, or of a saved look; VoxgateError for a look at no estate."""
    asked = [name for name in _OF_HOSTS if config.getoption(name)]
    of_a_deploy = [name for name in _OF_A_DEPLOY if config.getoption(name)]
    of_a_deploy += ["max_unavailable"] if config.getoption("max_unavailable") != 1 else []
    parts = [name for name in ("hosts", "shard") if config.getoption(name) and _is_ours(config, name)]
    if config.getoption("evidence"):
        if asked:
            hint = f"leave out {_option(asked[0])} or --evidence"
            raise Refused("a saved look is only judged", where=f"--evidence, {_option(asked[0])}", hint=hint)
        if parts:
            raise Refused(
                "a saved look is judged as it is", where=f"--evidence, {_option(parts[0])}", hint="leave out one of them"
            )
    elif not config.getoption("estate"):
        if asked or of_a_deploy:
            raise Refused("of which estate?", where=_option([*asked, *of_a_deploy][0]), hint="say which: --estate NAME")
        if looks := [*parts, *(name for name in _OF_A_LOOK if config.getoption(name) is not None)]:
            raise VoxgateError("of which estate?", where=_option(looks[0]), hint="say which: --estate NAME")
    if parts and (config.getoption("deploy") or config.getoption("rollback")):
        raise Refused("a part of an estate is only looked at", where="--hosts, --shard", hint="leave out --deploy or --rollback")


def must_be_whole(config: pytest.Config, folders: Iterable[Path]) -> None:
    """Raises Refused for a deploy, a way back or a recovery by a part of the suites: it could never be done."""
    asked = [name for name in ("deploy", "rollback", "recover") if config.getoption(name)]
    if asked and is_selected(config, folders):
        where = f"{_option(asked[0])} with a part of the suites (-m, -k, a path)"
        hint = "leave that out; -m, -k and paths are for a look"
        raise Refused("a deploy is judged by all rules, or it is not done", where=where, hint=hint)


def must_know_markers(config: pytest.Config) -> None:
    """Raises VoxgateError for a word of ``-m`` that is no marker, once all plugins have said theirs."""
    known = [re.split(r"[:(]", line)[0].strip() for line in config.getini("markers")]
    expression = re.sub(r"\([^()]*=[^()]*\)", "", config.option.markexpr)  # what a marker is called with
    for word in re.findall(r"[A-Za-z_]\w*", expression):
        if word not in {*known, *_WORDS}:
            near = nearest(word, known)
            hint = f"did you mean {near}?" if near else "pytest --markers lists them"
            raise VoxgateError("there is no such marker", where=f"-m {config.option.markexpr!r}", why=word, hint=hint)


def must_be_of(saved: str, config: pytest.Config) -> str:
    """That ``--estate`` names the estate of which the look is that was ``saved``. What is only the environment's is left aside:
    returned is what there is to say of that.

    Raises VoxgateError where the command line names another one.
    """
    name = config.getoption("estate")
    if not name or saved in {name, Path(name).stem}:
        return ""
    if any(str(word).partition("=")[0] == "--estate" for word in config.invocation_params.args):
        hint = f"leave out --estate, or say --estate {saved}"
        raise VoxgateError(f"the saved look is of {saved}", where=f"--estate {name}", hint=hint)
    return f"VOXGATE_ESTATE={name} is left aside: the saved look is of {saved}"


def age_of(look: Look, now: datetime) -> str:
    """When a saved look was taken, and how long ago that is."""
    taken = datetime.fromtimestamp(look.taken, UTC)
    seconds = max(0, int((now - taken).total_seconds()))
    days, hours, minutes = seconds // _DAY, seconds // 3600, seconds // 60
    count, unit = next(((n, word) for n, word in ((days, "day"), (hours, "hour"), (minutes, "minute")) if n), (seconds, "second"))
    return f"a saved look, taken {taken:%Y-%m-%d %H:%M:%S} UTC, {counted(count, unit)} ago"


def _option(name: str) -> str:
    """As it is typed."""
    return "--" + name.replace("_", "-")


def _is_ours(config: pytest.Config, name: str) -> bool:
    """False where testinfra has its own ``--hosts``, and no estate is asked for."""
    return name != "hosts" or not config.pluginmanager.has_plugin(TESTINFRA) or bool(config.getoption("estate"))
