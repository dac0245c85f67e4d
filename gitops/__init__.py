"""What people and CI run over the manifests: render, check, run locally. Never in the image."""
