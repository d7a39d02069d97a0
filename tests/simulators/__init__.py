"""Local stand-ins for the platforms: each its own process that speaks the real wire over loopback."""
