"""Maps model names to models."""

from collections.abc import AsyncGenerator, Mapping

from assistants.service.measures import Measure, Traits
from assistants.service.pieces import ChatModel, ModelError, Piece, Request
from assistants.service.tokens import FIRST_RATE, Gauge
from assistants.service.tool_emulation import Routed

DEFAULT = "default"
MOST_MEASURES = 1_000


class ModelMissing(ModelError):
    """No model is connected."""

    def __init__(self) -> None:
        super().__init__(
            "This assistant needs a model. Connect one on Threadline's page, "
            "or set MODEL_BASE_URL, MODEL_API_KEY and MODEL."
        )


class Models:
    """Models by name: built-in, configured, and the connected endpoint, which serves every other name."""

    def __init__(self) -> None:
        self._registered: dict[str, ChatModel] = {}
        self._traits: dict[str, Traits] = {}
        self._endpoints: dict[str, str] = {}
        self._measures: dict[str, Measure] = {}
        self._rates: dict[str, float] = {}
        self._connected: ChatModel | None = None
        self._connected_at: str | None = None
        self._retired: list[ChatModel] = []
        self._stand_in: str | None = None

    def register(
        self,
        name: str,
        model: ChatModel,
        traits: Traits | None = None,
        *,
        endpoint: str | None = None,
        stands_in: bool = False,
    ) -> None:
        """Register a model under `name`; one that `stands_in` is the default while no endpoint is connected.

        Its learned token rate is stored under the name of its endpoint.
        """
        self._registered[name] = model if traits is None or traits.tools is not False else Routed(model)
        self._traits[name] = traits or Traits()
        if endpoint:
            self._endpoints[name] = endpoint
        if stands_in and self._stand_in is None:
            self._stand_in = name

    def connect(self, model: ChatModel | None, endpoint: str | None = None) -> None:
        """Set the endpoint for later runs; answers in progress finish on the old one."""
        if self._connected is not None:
            self._retired.append(self._connected)
        self._connected, self._connected_at = model, endpoint
        self._measures = {name: measure for name, measure in self._measures.items() if name in self._registered}

    def resolve(self, name: str) -> ChatModel:
        """Return the requested model. An unknown name is passed on to the endpoint. Raises `ModelMissing`."""
        if name in self._registered:
            return self._registered[name]
        if self._connected is None:
            if name == DEFAULT and self._stand_in is not None:
                return self._registered[self._stand_in]
            raise ModelMissing
        return self._connected if name == DEFAULT else _Named(self._connected, name)

    def has(self, name: str) -> bool:
        """Return whether a model can serve this name now."""
        stands_in = name == DEFAULT and self._stand_in is not None
        return name in self._registered or self._connected is not None or stands_in

    def measure(self, name: str) -> Measure:
        """Return the shared measurements of a model."""
        if self._connected is None and name == DEFAULT and self._stand_in is not None:
            name = self._stand_in
        if name not in self._measures and len(self._measures) >= MOST_MEASURES:
            self._measures.clear()  # limits memory, as callers can make up any number of names
        if name not in self._measures:
            kept_as = self._kept_as(name)
            rate = self._rates.get(kept_as, FIRST_RATE) if kept_as else FIRST_RATE
            self._measures[name] = Measure(self._traits.get(name, Traits()), Gauge(rate), name=kept_as)
        return self._measures[name]

    def remember(self, rates: Mapping[str, float]) -> None:
        """Load stored token rates."""
        self._rates.update(rates)

    def learnt(self) -> dict[str, float]:
        """Return token rates that were not stored yet, and mark them as stored."""
        rates = {measure.name: measure.gauge.rate for measure in self._measures.values() if measure.name}
        news = {name: rate for name, rate in rates.items() if rate != self._rates.get(name, FIRST_RATE)}
        self._rates.update(news)
        return news

    def _kept_as(self, name: str) -> str | None:
        endpoint = self._endpoints.get(name) if name in self._registered else self._connected_at
        return f"{name} {endpoint}" if endpoint else None

    @property
    def connected(self) -> bool:
        return self._connected is not None

    def names(self) -> list[str]:
        return [*([DEFAULT] if self.has(DEFAULT) else []), *self._registered]

    async def aclose(self) -> None:
        for model in (*self._registered.values(), *self._retired, self._connected):
            if model is not None:
                await model.aclose()


class _Named:
    """A model that is asked for under another name."""

    def __init__(self, model: ChatModel, name: str) -> None:
        self._model = model
        self._name = name

    def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        return self._model.stream({**request, "model": self._name})

    async def aclose(self) -> None:
        """Do nothing: the model's owner closes it."""
