"""What the settings of a threshold must keep to, and what is said about one that was found."""
