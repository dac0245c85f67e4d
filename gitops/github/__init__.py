"""What workflows ask of GitHub: one comment kept up to date, and one pull request for a branch."""
