"""`python -m tests.simulators.discord --port 0`: runs the server and prints where it is as one JSON line."""

from tests.simulators.common.program import run
from tests.simulators.discord.server import Server
from tests.simulators.discord.world import APPLICATION, GUILD

TOKEN = "discord-simulator"


def _told(server: Server) -> dict[str, str]:
    return {
        "address": server.address,
        "api": server.api,
        "gateway": f"{server.world.gateway}/gateway/",
        "token": TOKEN,
        "application": APPLICATION,
        "guild": GUILD,
    }


if __name__ == "__main__":
    run(lambda: Server(token=TOKEN), _told, "A Discord server on loopback.")
