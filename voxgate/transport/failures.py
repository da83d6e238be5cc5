"""The two ways a tunnel fails that are not the host's: the target said no, or the server may not open the way."""

from __future__ import annotations

from voxgate.errors import Blind, VoxgateError


class TargetRefused(VoxgateError):  # noqa: N818 - names what the target did
    """The way to the host works, but nothing answers at the address behind it: a finding about the service."""


class ForwardingDenied(Blind):
    """The host's sshd may not open connections for us: we cannot look."""
