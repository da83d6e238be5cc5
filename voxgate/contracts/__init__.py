"""Strict reading of everything that comes from outside: JSON, schemas, metrics, estate files."""
