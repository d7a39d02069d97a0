"""Text extraction: detects file types by content and parses files in a confined child process.

`reader.py` is the way in. Nothing is imported here: the child that reads a file has to start at once.
"""
