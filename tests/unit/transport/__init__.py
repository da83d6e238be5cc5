"""Tests of the transport, against a real sshd."""
