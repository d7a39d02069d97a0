"""The parts of the running simulator, for those that need several of them."""

from tests.simulators.slack.deliveries import Deliveries
from tests.simulators.slack.http_mode import HttpMode
from tests.simulators.slack.limits import Limits
from tests.simulators.slack.response_urls import ResponseUrls
from tests.simulators.slack.socket_mode import SocketMode
from tests.simulators.slack.triggers import Triggers
from tests.simulators.slack.world import World


class Site:
    """`address` is set once the server listens."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sockets = SocketMode(world)
        self.http = HttpMode(world)
        self.deliveries = Deliveries(world, self.sockets, self.http)
        self.response_urls = ResponseUrls(world, self.deliveries)
        self.triggers = Triggers(world)
        self.limits = Limits(world.clock)
        self._address = ""

    @property
    def address(self) -> str:
        return self._address

    @address.setter
    def address(self, address: str) -> None:
        self._address = self.response_urls.address = address
        self.sockets.address = address.replace("http", "ws", 1)
