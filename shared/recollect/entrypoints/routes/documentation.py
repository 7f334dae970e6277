"""The API's own description, for machines and for people; the same for everyone, without a key."""

import json
from functools import cache
from pathlib import Path

from aws_lambda_powertools.event_handler import Response

import recollect
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp

DOCUMENT, PAGE = "/openapi.json", "/docs"
PATHS = frozenset({DOCUMENT, PAGE})
NOTHING_FROM_ELSEWHERE = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class DocumentationRoutes:
    """The OpenAPI document, and a page to browse it and try it out."""

    def add_to(self, app: HttpApp) -> None:
        """Have a function serve them, which needs no key for `PATHS`."""
        app.get(DOCUMENT, include_in_schema=False)(self.get_document)
        app.get(PAGE, include_in_schema=False)(self.get_page)

    def get_document(self) -> Response[str]:
        """Return the OpenAPI 3.1 document, with the address that it was asked for at."""
        return Response(200, "application/json", _document(_root(DOCUMENT)))

    def get_page(self) -> Response[str]:
        """Return a page that holds all it needs, the document included."""
        return Response(
            200,
            "text/html; charset=utf-8",
            _page(_root(PAGE)),
            {"Content-Security-Policy": NOTHING_FROM_ELSEWHERE, "Cache-Control": "max-age=3600"},
        )


def _root(path: str) -> str:
    """Return what stands before this path in the caller's address: a stage has a path, too."""
    return caller.address.rstrip("/").removesuffix(path).rstrip("/")


@cache
def _written() -> dict[str, object]:
    text = Path(recollect.__file__).with_name("openapi.json").read_text(encoding="utf-8")
    document: dict[str, object] = json.loads(text)
    return document


def _document(root: str) -> str:
    return json.dumps({**_written(), "servers": [{"url": root}]}, ensure_ascii=False)


def _page(root: str) -> str:
    # A tenth of a second that only this page is worth.
    from aws_lambda_powertools.event_handler.openapi import swagger_ui  # noqa: PLC0415

    assets = Path(swagger_ui.__file__).parent
    script, style = (
        (assets / name).read_text(encoding="utf-8")
        for name in ("swagger-ui-bundle.min.js", "swagger-ui.min.css")
    )
    # A closing tag in the document would end the script that it stands in.
    spec = _document(root).replace("</", "<\\/")
    page = swagger_ui.generate_swagger_html(spec, script, style, "", None)
    return page.replace("<title>Swagger UI</title>", "<title>Recollect API</title>")
