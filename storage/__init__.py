"""Persistence: the database interface, its SQLite engine, the rows, and the queries, written once for every engine."""
