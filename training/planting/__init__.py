"""Plants errors into rows of any table, by rules that its columns alone decide."""
