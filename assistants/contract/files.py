"""Files and uploads: objects, requests and size limits."""

from typing import Annotated, Literal

from pydantic import Field

from assistants.contract.base import Request, Sparse, Wire

MEGABYTE = 1024 * 1024
LARGEST_FILE = 512 * MEGABYTE
LARGEST_PART = 64 * MEGABYTE
LARGEST_UPLOAD = 8 * 1024 * MEGABYTE

FilePurpose = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
UploadPurpose = Literal["assistants", "batch", "fine-tune", "vision"]
UploadStatus = Literal["pending", "completed", "cancelled", "expired"]


class File(Sparse):
    """A file the server keeps; `bytes` is its size."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int | None = None
    filename: str
    purpose: str
    status: str = "processed"
    status_details: str | None = None


class Upload(Wire):
    """A file uploaded in parts; `bytes` is its intended size, `file` the completed file."""

    id: str
    object: Literal["upload"] = "upload"
    created_at: int
    filename: str
    bytes: int
    purpose: str
    status: UploadStatus
    expires_at: int
    file: File | None = None


class UploadPart(Wire):
    """One part of an upload."""

    id: str
    object: Literal["upload.part"] = "upload.part"
    created_at: int
    upload_id: str


class FileExpiration(Request):
    """When a file is deleted by itself."""

    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Field(ge=3600, le=2_592_000)]


class CreateFile(Request):
    """The fields that go with the bytes of a new file, in a form."""

    purpose: FilePurpose
    expires_after: FileExpiration | None = None


class CreateUpload(Request):
    """A file that will come in parts."""

    filename: str
    purpose: UploadPurpose
    bytes: Annotated[int, Field(ge=0, le=LARGEST_UPLOAD)]
    mime_type: str
    expires_after: FileExpiration | None = None


class CompleteUpload(Request):
    """The parts in the order that makes the file; `md5` is of the whole."""

    part_ids: list[str]
    md5: str | None = None
