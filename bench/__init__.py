"""Measures pluseboard beside the machine's limits and the seed's own stack: README.md."""
