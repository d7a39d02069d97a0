"""The embedded Assistants API server, in front of any Chat-Completions endpoint."""
