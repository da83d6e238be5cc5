"""Tests against the embedded lab."""
