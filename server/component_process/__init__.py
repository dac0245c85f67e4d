"""A node in a process of its own, which the processes of the stock wrapper share: frames over a Unix socket."""
