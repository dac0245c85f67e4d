"""A node in a process of its own, for several processes of this machine: frames over a Unix socket.

The stock wrapper answers REST and gRPC from processes of their own; they share one model by this.
"""
