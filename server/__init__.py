"""The server image's package: fetch a model, make its environment, serve it."""
