"""``python -m gitops check``: every kustomization builds, and what it renders keeps the policies."""
