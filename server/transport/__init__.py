"""Listeners, connections and the HTTP/1.1 and gRPC servers that carry the interfaces of server.api."""
