"""What a request means: routes, services, health, metadata, OpenAPI and feedback of a graph node; no sockets."""
