"""The JSON schemas that rendered objects are validated by: written here, or made from what the APIs' own packages hold."""
