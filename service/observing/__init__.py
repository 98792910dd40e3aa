"""What is seen of a running service: metrics, request ids, logs, a page."""
