"""What every simulated platform has: a ledger of calls and faults, its own time, a client for tests, a page's look."""
