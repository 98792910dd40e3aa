"""What the page says of each experiment."""
