"""Seldon messages as protocol buffers: their definition, the code that `make proto` makes of it, and what they mean."""
