"""Benchmarks: each compares with a peer or a limit, in one run, as a ratio.

`make bench` runs those that need no other library.
"""
