"""The child process that extracts one file's text: bytes on standard input, JSON on standard output."""

import contextlib
import json
import logging
import resource
import sys
import warnings

MEMORY = 1536 * 1024 * 1024
PROCESSOR_SECONDS = 60


def main() -> None:
    for which, limit in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, PROCESSOR_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        # macOS knows no limit of addresses.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(which, (limit, limit))
    logging.disable()
    warnings.simplefilter("ignore")
    from assistants.service.reading.extract import SayableError, extract

    kind, data = sys.argv[1], sys.stdin.buffer.read()
    said: dict[str, str]
    try:
        said = {"text": extract(kind, data)}
    except SayableError as error:
        said = {"error": str(error)}
    except ImportError as error:
        said = {"missing": str(error.name)}
    except MemoryError:
        said = {"error": "The file takes too much memory to be read."}
    except BaseException as error:
        said = {"broken": f"{type(error).__name__}: {error}"[:300]}
    sys.stdout.write(json.dumps(said, ensure_ascii=True))


if __name__ == "__main__":
    main()
