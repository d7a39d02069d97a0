"""Who may use the page and the API, asked over a real socket."""

import contextlib
import threading
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bot.http import create_app
from bot.settings import Settings

TOKEN = "open-sesame"


async def _page(_: Request) -> Response:
    return PlainTextResponse("the page")


async def _api(scope: dict, receive: object, send: object) -> None:  # type: ignore[type-arg]
    await PlainTextResponse("the api")(scope, receive, send)  # type: ignore[arg-type]


class _Ready(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answering = threading.Event()

    async def startup(self, sockets: list | None = None) -> None:  # type: ignore[type-arg]
        await super().startup(sockets)
        self.answering.set()


@contextlib.contextmanager
def serving(app: ASGIApp) -> Iterator[int]:
    server = _Ready(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    assert server.answering.wait(20)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@contextlib.contextmanager
def client(**settings: object) -> Iterator[httpx.Client]:
    configured = Settings.model_validate(settings)
    app = create_app(configured, routes=[Route("/", _page, methods=["GET", "POST"])], api=_api)  # type: ignore[arg-type]
    with serving(app) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
        yield http


def test_the_page_is_open_on_loopback() -> None:
    with client() as http:
        assert http.get("/").text == "the page"


def test_a_missing_page_links_back_to_the_start() -> None:
    with client() as http:
        lost = http.get("/nope", headers={"accept": "text/html"})
        assert (lost.status_code, '<a href="/">Open Threadline</a>' in lost.text) == (404, True)
        assert http.get("/nope").json() == {"error": "There is nothing at this address."}


def test_an_unknown_host_header_is_refused_against_dns_rebinding() -> None:
    with client() as http:
        assert http.get("/", headers={"host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_cross_site_request_is_refused(origin: str) -> None:
    with client() as http:
        assert http.post("/", headers={"origin": origin}).status_code == 403
        same = f"http://{http.base_url.netloc.decode()}"
        assert http.post("/", headers={"origin": same}).status_code == 200


@pytest.mark.parametrize("exposed", [{"host": "0.0.0.0"}, {"public_url": "https://chat.example.org"}])  # noqa: S104
def test_an_exposed_page_is_refused_until_an_admin_token_is_set(exposed: dict[str, str]) -> None:
    with client(**exposed) as http:
        refused = http.get("/")
        assert refused.status_code == 403
        assert "THREADLINE_ADMIN_TOKEN" in refused.text


def test_a_browser_signs_in_with_the_admin_token() -> None:
    with client(host="0.0.0.0", threadline_admin_token=TOKEN) as http:  # noqa: S104
        asked = http.get("/", headers={"accept": "text/html"})
        assert asked.status_code == 401
        assert "form" in asked.text
        assert http.post("/login", data={"token": "wrong"}).status_code == 401
        opened = http.post("/login", data={"token": TOKEN})
        assert opened.status_code == 303
        assert TOKEN not in opened.headers["set-cookie"]
        assert "HttpOnly" in opened.headers["set-cookie"]
        assert http.get("/").text == "the page"


def test_a_program_authenticates_with_the_admin_token() -> None:
    with client(threadline_admin_token=TOKEN) as http:
        assert http.get("/").status_code == 401
        assert http.get("/", headers={"authorization": f"Bearer {TOKEN}"}).text == "the page"


def test_the_public_url_is_accepted_behind_a_proxy() -> None:
    with client(public_url="https://chat.example.org", threadline_admin_token=TOKEN) as http:
        headers = {"host": "chat.example.org", "origin": "https://chat.example.org", "authorization": f"Bearer {TOKEN}"}
        assert http.post("/", headers=headers).text == "the page"


def test_the_api_on_the_same_port_needs_no_page_token() -> None:
    with client(threadline_admin_token=TOKEN) as http:
        assert http.get("/v1/models").text == "the api"


def test_the_health_check_needs_no_token() -> None:
    with client(host="0.0.0.0") as http:  # noqa: S104
        assert http.get("/healthz", headers={"host": "10.1.2.3"}).text == "ok"
