"""Knows which model answers to which name."""

from collections.abc import AsyncGenerator

from assistants.service.pieces import ChatModel, ModelError, Piece, Request

DEFAULT = "default"


class ModelMissing(ModelError):  # noqa: N818 - reads as what it tells
    """An assistant names a model and none is connected."""

    def __init__(self) -> None:
        super().__init__(
            "This assistant needs a model. Connect one on Threadline's page, "
            "or set MODEL_BASE_URL, MODEL_API_KEY and MODEL."
        )


class Models:
    """The built-in models by name, and the one connected endpoint that answers to every other name."""

    def __init__(self) -> None:
        self._registered: dict[str, ChatModel] = {}
        self._connected: ChatModel | None = None
        self._retired: list[ChatModel] = []

    def register(self, name: str, model: ChatModel) -> None:
        self._registered[name] = model

    def connect(self, model: ChatModel | None) -> None:
        """Set what answers from the next run on; answers that are under way end where they began."""
        if self._connected is not None:
            self._retired.append(self._connected)
        self._connected = model

    def resolve(self, name: str) -> ChatModel:
        """The model an assistant asked for; raises `ModelMissing`. An unknown name is passed on to the endpoint."""
        if name in self._registered:
            return self._registered[name]
        if self._connected is None:
            raise ModelMissing
        return self._connected if name == DEFAULT else _Named(self._connected, name)

    @property
    def connected(self) -> bool:
        return self._connected is not None

    def names(self) -> list[str]:
        return [*([DEFAULT] if self.connected else []), *self._registered]

    async def aclose(self) -> None:
        for model in (*self._registered.values(), *self._retired, self._connected):
            if model is not None:
                await model.aclose()


class _Named:
    """A model asked by another of the names it knows."""

    def __init__(self, model: ChatModel, name: str) -> None:
        self._model = model
        self._name = name

    def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        return self._model.stream({**request, "model": self._name})

    async def aclose(self) -> None:
        """Its owner closes it."""
