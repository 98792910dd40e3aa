"""What embeddings are worth as features: probes on them beside those on PCA, kernel PCA, ICA and the columns."""
