"""The reference page: Scalar renders openapi.yaml in the browser. Everything is served from where the page is."""

from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from local.emulator.pages import File

_HERE = Path(__file__).parent

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
}


PAGE = "/docs"
"""Its path. Its links to the other files are relative."""


def build_page(document: dict[str, Any], key: str | None = None) -> dict[str, File]:
    """The files by path. With a key the page can send requests; that needs the API on the same origin."""
    return {
        PAGE: File(_html(key).encode(), "text/html; charset=utf-8"),
        "/openapi.yaml": File(_yaml(document).encode(), "application/yaml"),
        "/docs/icon.svg": File((_HERE / "icon.svg").read_bytes(), "image/svg+xml"),
        "/docs/page.js": File((_HERE / "page.js").read_bytes(), "text/javascript; charset=utf-8"),
        "/docs/scalar.js": File(_find_scalar().read_bytes(), "text/javascript; charset=utf-8"),
    }


def _html(key: str | None) -> str:
    templates = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined)
    return templates.get_template("page.html").render(
        policy="; ".join(f"{name} {value}" for name, value in _POLICY.items()), configuration=_configuration(key)
    )


def _configuration(key: str | None) -> dict[str, Any]:
    """Scalar's, so that it asks no other server for anything."""
    return {
        "url": "openapi.yaml",
        "customCss": (_HERE / "page.css").read_text(),
        "withDefaultFonts": False,
        "telemetry": False,
        "agent": {"disabled": True},
        "mcp": {"disabled": True},
        "proxyUrl": "",
        "hideClientButton": True,
        "showDeveloperTools": "never",
        "hiddenClients": True,
        "hideModels": True,
        "defaultOpenAllTags": True,
        "hideTestRequestButton": key is None,
        "authentication": {
            "preferredSecurityScheme": "ApiKey",
            "securitySchemes": {"ApiKey": {"token": key or ""}},
        },
    }


def _yaml(document: dict[str, Any]) -> str:
    return yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=120)


def _find_scalar() -> Path:
    """The wheel has Scalar's standalone file in a plugin for Flask, which is not imported."""
    plugin = distribution("flask-openapi-scalar")
    return Path(str(plugin.locate_file("flask_openapi_scalar/templates/scalar/js/scalar.standalone.js")))
