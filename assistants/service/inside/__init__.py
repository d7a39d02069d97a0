"""What runs in the sandbox, or holds it from within: programs of their own, with the standard library alone."""
