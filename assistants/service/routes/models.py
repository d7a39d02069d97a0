"""Models: list and get."""

from fastapi import APIRouter
from fastapi.responses import Response

from assistants.contract import Deleted, Failure, Model, ModelList, no_such_model
from assistants.service.refusals import Refused
from assistants.service.routes.common import V1, Registry, said

router = APIRouter(prefix=f"{V1}/models")


@router.get("", operation_id="listModels", response_model=ModelList)
async def list_all(models: Registry) -> Response:
    return said(ModelList(data=[_model(name) for name in models.names()]))


@router.get("/{name:path}", operation_id="retrieveModel", response_model=Model)
async def retrieve(name: str, models: Registry) -> Response:
    if name not in models.names():
        raise Refused(no_such_model(name))
    return said(_model(name))


@router.delete("/{name:path}", operation_id="deleteModel", response_model=Deleted)
async def delete(name: str, models: Registry) -> Response:
    """Refuse: only fine-tuned models can be deleted, and this service has none."""
    if name not in models.names():
        raise Refused(no_such_model(name))
    sentence = "Models are taken away where they are named: in threadline.toml, or on the page."
    raise Refused(Failure(403, sentence, code="model_not_deletable", param="model"))


def _model(name: str) -> Model:
    return Model(id=name, created=0, owned_by="threadline")
