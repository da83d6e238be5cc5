"""The ways that a command or a tunnel fails which are not the host's own: each has an error of its own."""

from __future__ import annotations

from voxgate.errors import Blind, CommandUnknown, VoxgateError


class TargetRefused(VoxgateError):  # noqa: N818 - names what the target did
    """The way to the host works, but nothing answers at the address behind it: a finding about the service."""


class ForwardingDenied(Blind):
    """The host's sshd may not open connections for us: we cannot look."""


class NotBegun(CommandUnknown):
    """The account's shell, or what starts with it, ended or waits before the command: nothing was run."""
