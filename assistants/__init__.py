"""The Assistants API v2: what is said, how to ask, how to answer."""
