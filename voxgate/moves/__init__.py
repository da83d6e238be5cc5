"""Moves: checkout, install, restart, health - what each is for each kind of service. Pure: they say what to run."""
