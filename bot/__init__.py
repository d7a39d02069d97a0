"""The shared core and the program: what comes in, who answers, what goes out."""
