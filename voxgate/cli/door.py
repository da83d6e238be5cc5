"""``make``'s way to pytest: the arguments that it gives, and the words of PYTEST_ARGS behind them."""

from __future__ import annotations

import os
import shlex
import sys


def main() -> None:
    """Become pytest. The words are split as a shell splits them, quotes and all, and nothing in them is run.

    Exits with pytest's status, or with 4 (usage) and a line if a quote is not closed.
    """
    try:
        words = shlex.split(os.environ.get("PYTEST_ARGS", ""))
    except ValueError as error:
        sys.stderr.write(f"voxgate: PYTEST_ARGS cannot be read: {str(error).lower()}\n  hint: close the quote\n")
        raise SystemExit(4) from None
    os.execvp("pytest", ["pytest", *sys.argv[1:], *words])  # noqa: S606 - uv puts the environment's own first


if __name__ == "__main__":
    main()
