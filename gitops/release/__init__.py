"""From a checkout to a pinned image: whether to build, what was built, where it goes, whether it is proposed."""
