"""The pytest plugin: options, markers, parametrization, the decision at session end. No logic of its own."""

from voxgate.plugin.invariants import invariant, on, say, say_all, say_each

__all__ = ["invariant", "on", "say", "say_all", "say_each"]
