"""What the command line asks of the gate."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from voxgate.deploy.moving.engine import Pace
from voxgate.deploy.run_context import Options


def options_of(config: pytest.Config) -> Options:
    """What the command line asks for."""
    option = config.getoption
    return Options(
        tuple(option("deploy")),
        tuple(option("rollback")),
        recover=option("recover"),
        bake=option("bake"),
        wait=option("wait"),
        no_way_back=option("no_way_back"),
        breaking=option("breaking"),
        standing=tuple(option("standing")),
        reason=option("reason"),
        pace=Pace(drain=option("drain"), most=option("max_unavailable")),
    )


def is_deploy(config: pytest.Config) -> bool:
    """True where a release is to be put on hosts, there or back."""
    return bool(config.getoption("deploy") or config.getoption("rollback"))


def is_selected(config: pytest.Config, folders: Iterable[Path]) -> bool:
    """True if the user chose a part of the suites. What is given beside all of them is no part."""
    option = config.option
    if option.markexpr or option.keyword or option.deselect or option.ignore or option.ignore_glob:
        return True
    if getattr(option, "lf", False) or getattr(option, "stepwise", False):  # of the plugin cacheprovider, which may be left out
        return True
    return not {folder.resolve() for folder in folders} <= {Path(name).resolve() for name in config.args}
