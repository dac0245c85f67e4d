"""Policies over a tree of manifests, one module for each thing that they are about, and their evaluation."""
