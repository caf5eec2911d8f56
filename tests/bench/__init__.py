"""Benchmarks: ratios and counters, run by hand; nothing here asserts a time."""
