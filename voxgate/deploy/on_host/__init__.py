"""The gate's part on one host: its lock, its fence, its journal, its ledger, and the steps. Python >= 3.9, on a host one file.

Runs there as the deploy user; the gate sends it over the connection's stdin, joined into one file by ``built.py``. State lives in
``/var/lib/voxgate/<service>/``: a JSON file is replaced by write, fsync, rename, so a reader sees the old or the new one
and never a half; the ledger grows by one whole, numbered line an event.

``serve`` is the owner: it holds a ``flock`` on each service for as long as it lives, and it lives as long as its stdin is
open and somebody speaks on it. So no lock can go stale, and a gate that sleeps too long wakes up without hands. Steps are
done here, one at a time for a service, under ``step.lock`` (which a step's own children hold too) and the claimed epoch.
"""
