"""Who may do what: roles and the right of each address, API keys, and the check that `Gate` makes of each request."""
