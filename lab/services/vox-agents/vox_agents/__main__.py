"""`python -m vox_agents --worker N`: one worker of the fleet, on port 8100 + N."""

import argparse
import os
import sys

from vox_agents.settings import Settings, SettingsError

BASE_PORT = 8100
MOST_WORKERS = 99


def main() -> None:
    """Run one worker until it is told to stop."""
    parser = argparse.ArgumentParser(prog="vox_agents", description="One worker of the vox fleet.")
    parser.add_argument("--worker", type=_worker, required=True, metavar="N", help="which, from 1")
    number = parser.parse_args().worker
    try:
        settings = Settings.read(os.environ)
    except SettingsError as error:
        sys.exit(f"vox-agents: {error}")
    # Not before: Pipecat takes a second to import, and a missing setting is said at once.
    from vox_agents.serve import serve  # noqa: PLC0415

    serve(settings, number, BASE_PORT + number)


def _worker(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"a worker is a number from 1 to {MOST_WORKERS}")
    return int(text)


if __name__ == "__main__":
    main()
