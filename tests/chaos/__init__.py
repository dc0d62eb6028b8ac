"""Faults of every kind against real programs and servers: `make chaos`."""
