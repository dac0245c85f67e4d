"""HTTP/2 straight on the event loop, for whatever is served over it."""
