"""The gRPC interface: what its calls mean, and how they lie in the streams of HTTP/2."""
