"""What uvicorn serves: the application, made from the settings in the environment.

Importing this module starts the service: without its settings it ends the process with one line.
"""

import logging
import os
import sys

from vox_backend.settings import Settings, SettingsError

logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
# httpx writes a line for each request, with its URL: once a second is noise.
logging.getLogger("httpx").setLevel(logging.WARNING)

try:
    settings = Settings.read(os.environ)
    # Not before: clients of stores take a second to import; what is missing is said at once.
    from vox_backend.identity import Identity
    from vox_backend.stores import Stores
    from vox_backend.web import create_app

    app = create_app(Identity.take(), Stores(settings))
except SettingsError as error:
    sys.exit(f"vox-backend: {error}")
