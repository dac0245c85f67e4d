"""How fast the server is beside others: `python -m benchmarks.serving`, which `make bench` runs."""
