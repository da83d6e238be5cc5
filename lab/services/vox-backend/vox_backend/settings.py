"""The settings of the service, from its environment. Errors name keys and never show a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from urllib.parse import SplitResult, urlsplit


class SettingsError(Exception):
    """A setting is missing, empty or of the wrong form; one line, without the value."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, each required. Values stay out of `repr`, and so out of logs."""

    mongodb_uri: str = field(repr=False)
    redis_url: str = field(repr=False)
    s3_endpoint: str = field(repr=False)
    s3_access_key: str = field(repr=False)
    s3_secret_key: str = field(repr=False)
    livekit_url: str = field(repr=False)
    livekit_api_key: str = field(repr=False)
    livekit_api_secret: str = field(repr=False)
    jwt_secret: str = field(repr=False)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Read every setting from `environ`; `SettingsError` names all keys that have no value."""
        values = {item.name: environ.get(item.name.upper(), "").strip() for item in fields(cls)}
        missing = [name.upper() for name, value in values.items() if not value]
        if missing:
            raise SettingsError(f"missing or empty settings: {', '.join(missing)}")
        return cls(**values)


def url_of(key: str, value: str, schemes: tuple[str, ...]) -> SplitResult:
    """Split the URL of a setting; `SettingsError` when it has no host or another scheme."""
    try:
        url = urlsplit(value)
        usable = url.scheme in schemes and url.hostname and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(f"{key} is not a URL of {' or '.join(schemes)}")
    return url
