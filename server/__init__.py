"""The server image's package: fetch a model, make its environment, serve it."""

# As pyproject.toml has it.
__version__ = "0.1.0"
