"""`python -m vox_dialler`: the dialler of one database, on port 8090."""

import os
import sys

from vox_dialler.settings import Settings, SettingsError

PORT = 8090


def main() -> None:
    """Run the dialler until it is told to stop."""
    try:
        settings = Settings.read(os.environ)
        # Not before: what is missing is said at once, whatever else may be wrong.
        from vox_dialler.serve import serve  # noqa: PLC0415

        serve(settings, PORT)
    except SettingsError as error:
        sys.exit(f"vox-dialler: {error}")


if __name__ == "__main__":
    main()
