"""``verdict.json``: written, read again, and compared with the run before."""
