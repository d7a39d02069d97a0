"""Refuses what the service cannot do, with the API's own errors."""

from collections.abc import Iterable, Sequence

from assistants.contract import (
    CreateMessage,
    Failure,
    ImageFileContent,
    NewToolResources,
    ToolResources,
    invalid,
    no_such,
    wrong_prefix,
)

# A write holds at most 200 rows; what comes with the messages needs a few of them.
MOST_MESSAGES = 190


class Refused(Exception):  # noqa: N818 - reads as what it tells
    """A request is answered with an error of the API."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def expect_id(parameter: str, value: str, prefix: str) -> str:
    if not value.startswith(prefix):
        raise Refused(wrong_prefix(parameter, value, prefix))
    return value


def expect_messages(parameter: str, messages: Sequence[CreateMessage] | None) -> Sequence[CreateMessage]:
    """The messages of a request, if they are ones that can be kept."""
    if messages and len(messages) > MOST_MESSAGES:
        why = f"array too long. Expected an array with maximum length {MOST_MESSAGES}, "
        got = f"but got an array with length {len(messages)} instead"
        raise Refused(invalid(parameter, why + got, code="array_above_max_length"))
    for message in messages or ():
        _refuse_files(_files_of(message))
    return messages or ()


def expect_resources(resources: NewToolResources | None) -> ToolResources:
    """What tools may work with; nothing that names a file or a vector store, for there are none."""
    if resources is None:
        return ToolResources()
    if resources.code_interpreter:
        _refuse_files(resources.code_interpreter.file_ids or ())
    if resources.file_search:
        for store in resources.file_search.vector_store_ids or ():
            raise Refused(no_such("vector store", store))
        if resources.file_search.vector_stores:
            why = "vector stores cannot be made on this server"
            raise Refused(invalid("tool_resources.file_search.vector_stores", why, code="unsupported_value"))
    return ToolResources.model_validate(resources.wire())


def _files_of(message: CreateMessage) -> Iterable[str]:
    for attachment in message.attachments or ():
        if attachment.file_id:
            yield attachment.file_id
    for part in () if isinstance(message.content, str) else message.content:
        if isinstance(part, ImageFileContent):
            yield part.image_file.file_id


def _refuse_files(files: Iterable[str]) -> None:
    for file_id in files:
        raise Refused(no_such("file", file_id))
