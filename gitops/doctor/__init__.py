"""``python -m gitops doctor``: what is missing or odd on this machine, in this fork and in a cluster, and what to do for each."""
