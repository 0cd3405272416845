"""Reads beside their limit and their peers: see `python -m benchmarks.rates --help`."""
