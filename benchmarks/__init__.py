"""Measure asynclog: the seeded archive generator and the benchmarks that run on its archives."""
