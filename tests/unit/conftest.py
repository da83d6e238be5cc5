"""What all unit tests have in common: none of them is red because the machine is busy."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.unit.forges import forge

__all__ = ["forge"]

settings.register_profile("voxgate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("voxgate")
