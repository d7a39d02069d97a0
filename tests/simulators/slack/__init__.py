"""A Slack workspace on loopback: Web API, Socket Mode, people who can be told what to say, and a log of every call."""
