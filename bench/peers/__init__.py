"""Two minimal bots as they are usually written, to measure beside: no memory on disk, no claim, no look-up."""
