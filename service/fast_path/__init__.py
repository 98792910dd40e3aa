"""A shorter way for small JSON requests: micro-batches, and the protocol below ASGI."""
