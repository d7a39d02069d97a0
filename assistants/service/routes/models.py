"""Models: list and get."""

from fastapi import APIRouter
from fastapi.responses import Response

from assistants.contract import Failure, Model, ModelList
from assistants.service.refusals import Refused
from assistants.service.routes.common import Registry, said

router = APIRouter(prefix="/models")


@router.get("")
async def list_all(models: Registry) -> Response:
    return said(ModelList(data=[_model(name) for name in models.names()]))


@router.get("/{name:path}")
async def retrieve(name: str, models: Registry) -> Response:
    if name not in models.names():
        raise Refused(Failure(404, f"The model '{name}' does not exist", code="model_not_found", param="model"))
    return said(_model(name))


def _model(name: str) -> Model:
    return Model(id=name, created=0, owned_by="threadline")
