"""The Open Inference Protocol (V2): requests of tensors by name, over REST and gRPC."""
