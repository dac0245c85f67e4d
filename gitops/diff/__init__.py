"""``python -m gitops diff``: what a change renders, as a reviewer reads it."""
