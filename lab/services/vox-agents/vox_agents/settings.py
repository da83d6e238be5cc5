"""The settings of a worker, from its environment. Errors name keys and never show a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from urllib.parse import urlsplit


class SettingsError(Exception):
    """A setting is missing, empty or of the wrong form; one line, without the value."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, each required. Values stay out of `repr`, and so out of logs."""

    redis_url: str = field(repr=False)
    livekit_url: str = field(repr=False)
    livekit_api_key: str = field(repr=False)
    livekit_api_secret: str = field(repr=False)
    openai_api_key: str = field(repr=False)
    deepgram_api_key: str = field(repr=False)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Read every setting from `environ`; `SettingsError` names the keys that are not usable."""
        values = {item.name: environ.get(item.name.upper(), "").strip() for item in fields(cls)}
        missing = [name.upper() for name, value in values.items() if not value]
        if missing:
            raise SettingsError(f"missing or empty settings: {', '.join(missing)}")
        _require_url("REDIS_URL", values["redis_url"], ("redis", "rediss"))
        _require_url("LIVEKIT_URL", values["livekit_url"], ("ws", "wss", "http", "https"))
        return cls(**values)


def _require_url(key: str, value: str, schemes: tuple[str, ...]) -> None:
    try:
        url = urlsplit(value)
        usable = url.scheme in schemes and url.hostname and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(f"{key} is not a URL of {' or '.join(schemes)}")
