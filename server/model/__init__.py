"""The model's own process: what it runs, how it is spoken to, how it is kept alive."""
