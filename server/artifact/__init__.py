"""Where a model's bytes come from, and that they are the right ones."""
