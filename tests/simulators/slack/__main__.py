"""`python -m tests.simulators.slack --port 0`: runs the workspace and prints where it is as one JSON line."""

from tests.simulators.common.program import run
from tests.simulators.slack.server import Server

BOT_TOKEN = "xoxb-simulator"
APP_TOKEN = "xapp-simulator"


def _told(server: Server) -> dict[str, str]:
    address = server.address
    return {"address": address, "api": f"{address}/api/", "bot_token": BOT_TOKEN, "app_token": APP_TOKEN}


if __name__ == "__main__":
    run(lambda: Server(bot_token=BOT_TOKEN, app_token=APP_TOKEN), _told, "A Slack workspace on loopback.")
