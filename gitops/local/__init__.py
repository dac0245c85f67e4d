"""Running the rendered manifests on this machine."""
