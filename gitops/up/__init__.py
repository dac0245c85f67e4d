"""``python -m gitops up``: all that leads from a fork to models that answer, again from where it stopped."""
