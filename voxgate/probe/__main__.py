"""``python -m voxgate.probe``: the probe from its modules, as it runs from one file on a host."""

from __future__ import annotations

import os

from voxgate.probe import main
from voxgate.probe.built import program

vars(main)["PROGRAM"] = program()
os._exit(main.main())
