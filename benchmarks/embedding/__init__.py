"""Embeddings as features: probes on them, on PCA, kernel PCA, ICA and on the columns."""
