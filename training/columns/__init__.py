"""What is decided on the columns of a table, what is noticed about them, and what is learned from them."""
