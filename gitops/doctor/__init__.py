"""``python -m gitops doctor``: what is missing, or not as a deployment needs it, on this machine, in this fork and in a cluster, and what to do for each."""
