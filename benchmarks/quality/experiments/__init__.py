"""What can be measured: one module each, and the table of them."""
