"""What is remembered: rows, the seam they go through, and the queries written once for every engine."""
