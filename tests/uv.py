"""Where uv is: on the path, or where the Makefile puts it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

UV = shutil.which("uv") or str(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "voxgate/uv/bin/uv"))
