"""A Discord server on loopback: REST, gateway, people who can be told what to say, and a log of every call."""
