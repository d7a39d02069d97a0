"""The adapter contract suite, for those who write an adapter."""

from bot.testing import AdapterContract, Capability, Said, Sight, Stage, TakingBot

__all__ = ["AdapterContract", "Capability", "Said", "Sight", "Stage", "TakingBot"]
