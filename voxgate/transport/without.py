"""What a library brings for others than us is left out where it is imported: a start of the gate is mostly imports."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


@contextmanager
def without(*names: str) -> Iterator[None]:
    """While it lasts, these modules are as if they were not installed, but for those that are imported already. Only for
    libraries that do without them.
    """
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden, cast("ModuleType", None)))  # with None in its place an import fails at once
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
