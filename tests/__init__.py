"""Tests of voxgate itself."""
