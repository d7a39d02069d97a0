"""Programs that run inside the sandbox, using only the standard library."""
