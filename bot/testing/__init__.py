"""The adapter contract suite: what every adapter must do, as tests that its author runs over the platform's own wire.

    class TestTeams(AdapterContract, lacks={"clicks": "this adapter shows no buttons"}):
        @pytest.fixture
        async def stage(self) -> AsyncIterator[Stage]:
            ...

The tests are coroutines: run them with pytest-asyncio (`asyncio_mode = "auto"`). Nothing here imports pytest.
"""

from bot.testing.bot import TakingBot
from bot.testing.contract import AdapterContract
from bot.testing.sight import Sight
from bot.testing.stage import Capability, Said, Stage

__all__ = ["AdapterContract", "Capability", "Said", "Sight", "Stage", "TakingBot"]
