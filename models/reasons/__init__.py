"""Why a row has its score: what each column adds, and the same in words."""
