"""The fast path of small JSON requests: micro-batches, an answer without FastAPI's routes, a protocol below ASGI."""
