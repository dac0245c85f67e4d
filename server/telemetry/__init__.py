"""What the server tells of its calls: metrics, access log, traces, logged payloads."""
