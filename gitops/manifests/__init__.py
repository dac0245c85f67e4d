"""The tree of manifests: its kustomizations read, rendered by kustomize, and viewed with types. Knows no command."""
