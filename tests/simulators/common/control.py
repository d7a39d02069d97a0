"""The part of a control API that every simulator has: state by long poll, faults, time."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.simulators.common.ledger import Ledger
from tests.simulators.common.records import Fault

LONG_POLL = 20.0
Order = dict[str, Any]
Action = Callable[[Order], Awaitable[Order]]


class Instruments:
    """Actions on the ledger that every simulator keeps. `see` tells everything as JSON."""

    def __init__(self, ledger: Ledger[Any], fault: type[Fault], see: Callable[[], Order]) -> None:
        self._ledger = ledger
        self._shape = fault
        self._see = see

    def routes(self) -> list[web.RouteDef]:
        actions: dict[str, Action] = {
            "faults": self._fault,
            "release": self._release,
            "forget_failures": self._forget_failures,
            "forget_faults": self._forget_faults,
            "clock": self._clock,
        }
        return [*posts(actions), web.get("/sim/state", self._state)]

    async def _state(self, request: web.Request) -> web.Response:
        """Everything; with `after`, once something changed after that version (long poll)."""
        if "after" in request.query:
            await self._ledger.after(int(request.query["after"]), float(request.query.get("timeout", LONG_POLL)))
        return web.json_response(self._see())

    async def _fault(self, order: Order) -> Order:
        self._ledger.faults.append(self._shape.of(order))
        return {}

    async def _release(self, _: Order) -> Order:
        self._ledger.release()
        return {}

    async def _forget_failures(self, _: Order) -> Order:
        self._ledger.failures.clear()
        return {}

    async def _forget_faults(self, _: Order) -> Order:
        self._ledger.faults.clear()
        return {}

    async def _clock(self, order: Order) -> Order:
        if order.get("rate") is not None:
            self._ledger.clock.rate = float(order["rate"])
        self._ledger.clock.advance(float(order.get("advance", 0)))
        await self._ledger.changed()
        return {"now": self._ledger.clock.now()}


def posts(actions: dict[str, Action]) -> list[web.RouteDef]:
    """A POST route under /sim for each action; what an order lacks or names wrongly is answered 400."""
    return [web.post(f"/sim/{name}", _route(action)) for name, action in actions.items()]


def _route(action: Action) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            return web.json_response(await action(await request.json()))
        except KeyError as error:
            return web.json_response({"error": f"missing or unknown: {error}"}, status=400)
        except LookupError as error:
            return web.json_response({"error": str(error)}, status=400)

    return handle
