"""How a detector comes to be: from rows to a bundle. Knows `models`, never the service."""
