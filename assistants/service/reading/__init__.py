"""The text of files: what they are by their content, and what they say, read where a hostile one does no harm.

`reader.py` is the way in. Nothing is imported here: the child that reads a file has to start at once.
"""
