"""What is measured, and what it is measured against: each module is a program, `python -m benchmarks.NAME`."""
