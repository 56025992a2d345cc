"""Benchmarks that print JSON lines. bench/README.md says how to read them."""
