"""The way to the hosts: SSH (one connection a host), git's remote, HTTP and databases through it, testinfra on top."""
