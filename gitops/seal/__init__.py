"""``python -m gitops seal``: secrets in git that only the cluster can open."""
