"""Promotion: a model, resolved and tried, pinned by content in an overlay."""
