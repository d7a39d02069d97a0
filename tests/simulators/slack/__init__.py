"""A Slack workspace on loopback: the Web API, Socket Mode and HTTP, people who can be told what to do, and a page."""
