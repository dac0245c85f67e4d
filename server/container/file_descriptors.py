"""The limit of open file descriptors (RLIMIT_NOFILE), and the errors of a process that reached it."""

from __future__ import annotations

import errno
import resource

# Runtimes of containers give 1,024 for the sake of old programs that use select(2), and let a program raise it.
ENOUGH = 65_536
# Errors of a system without a descriptor or memory for one more.
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def limit() -> int:
    """Return how many this process may have."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def raise_limit() -> None:
    """Raise the limit of this process and those that it starts, to enough or as far as it may."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(now, min(ENOUGH, most)), most))
