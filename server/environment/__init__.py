"""The model's own Python environment: from what its folder asks for to ENV/current/bin/python."""
