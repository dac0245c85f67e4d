"""Seldon messages to arrays and back: pure functions, no I/O."""
