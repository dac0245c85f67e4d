"""Frames between the server and the model's process: standard library, numpy, Python 3.8; both sides import it."""
