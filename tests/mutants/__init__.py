"""Guards taken away one at a time: each must turn its test red (`make mutants`)."""
