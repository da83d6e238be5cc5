"""The dated version of this release: the day of its tag."""

VERSION = "2026.06.24"
