"""The settings of the dialler, from its environment. Errors name keys and never show a value."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

KEYS = (
    "MONGODB_URI",
    "REDIS_URL",
    "LIVEKIT_URL",
    "LIVEKIT_API_KEY",
    "LIVEKIT_API_SECRET",
    "SIP_TRUNK_ID",
    "DIALLER_TICK_SECONDS",
)
LONGEST_TICK_SECONDS = 60.0


class SettingsError(Exception):
    """A setting is missing, empty or of the wrong form; one line, without the value."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the dialler works with. Values stay out of `repr`, and so out of logs."""

    mongodb_uri: str = field(repr=False)
    sip_trunk_id: str = field(repr=False)
    tick_seconds: float

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings from `environ`; `SettingsError` names the keys that are not usable."""
        values = {key: environ.get(key, "").strip() for key in KEYS}
        missing = [key for key, value in values.items() if not value]
        if missing:
            raise SettingsError(f"missing or empty settings: {', '.join(missing)}")
        return cls(
            mongodb_uri=values["MONGODB_URI"],
            sip_trunk_id=values["SIP_TRUNK_ID"],
            tick_seconds=_tick_seconds(values["DIALLER_TICK_SECONDS"]),
        )


def _tick_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= LONGEST_TICK_SECONDS:
        raise SettingsError(
            f"DIALLER_TICK_SECONDS is not a number of seconds up to {LONGEST_TICK_SECONDS:g}"
        )
    return seconds
