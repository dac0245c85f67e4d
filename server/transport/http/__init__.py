"""HTTP/1.1 on llhttp: one protocol a connection, straight on the event loop."""
