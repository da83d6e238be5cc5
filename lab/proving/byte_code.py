"""Root's byte code of what the services import, so that their next starts compile nothing.

A release's folder belongs to the account that deploys, so a service cannot keep byte code there, and each start compiles Pipecat
anew: half of the processor time of a start. A lab in which workers are started a thousand times keeps it, as hosts do where root
once ran a service's own Python by hand. A look compares it with its source, as any byte code.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from lab import hosts
from voxgate.contracts.estates import load_estate
from voxgate.model.service import Kind

if TYPE_CHECKING:
    from voxgate.model.estate import Placement

DEADLINE = 120  # seconds: machines with several labs are slow
IMPORT_ALL = """
import contextlib, importlib, os, pkgutil, sys
os.umask(0o022)
package = importlib.import_module(sys.argv[1])
for one in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
    if not one.name.endswith(".__main__"):
        with contextlib.suppress(SystemExit):
            importlib.import_module(one.name)
"""
"""Imports a package of the folder it is run in, whole, but for what would start it. A module that ends where settings are missing
has imported all else by then.
"""


def keep_byte_code() -> None:
    """Import each Python service of the lab once, as root, where it is deployed. Raises VoxgateError where that fails."""
    placed = [one for one in load_estate("lab").placements if one.service.kind is Kind.PYTHON]
    with ThreadPoolExecutor(len(placed)) as pool:
        for done in [pool.submit(_import, one) for one in placed]:
            done.result()


def _import(placement: Placement) -> None:
    service = placement.service
    argv = ["env", f"--chdir={service.folder}", ".venv/bin/python", "-c", IMPORT_ALL, service.repository.replace("-", "_")]
    hosts.must(placement.host.name, argv, deadline=DEADLINE)
