"""The smallest question of the API: is anybody there, and which release."""

from vox_backend.identity import Identity


def pong(identity: Identity) -> dict[str, str | bool]:
    """Return the answer to a ping."""
    return {"pong": True, "version": identity.version}
