"""Answers the Assistants API: objects in the store, runs as tasks, any Chat-Completions endpoint as the model."""
