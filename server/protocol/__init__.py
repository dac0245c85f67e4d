"""Seldon messages, JSON and protobuf, to requests and from answers: pure functions, no I/O."""
