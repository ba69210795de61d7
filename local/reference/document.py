"""openapi.yaml as the reference page shows it: with guides, code samples and the address of the API."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from local import ROOT
from local.reference.code_samples import code_samples

GUIDES = [
    ROOT / "docs" / f"{name}.md"
    for name in (
        "guides/authentication",
        "signing",
        "guides/errors",
        "guides/retries",
        "guides/rate-limits",
        "guides/crm-sync",
        "guides/mirror",
        "guides/privacy",
    )
]
"""In the order in which the page shows them."""

_LINK = re.compile(r"\[([^\]]+)\]\((?!https:)([^)]+)\)")


@dataclass(frozen=True)
class Ids:
    """The ids of the examples in openapi.yaml."""

    tenant: str = "ckf3q0v9w0001qzrmn831i7ro"
    contact: str = "ckf3q0v9w0000qzrmn831i7rn"
    deleted_contact: str = "ckf3q0v9w0004qzrmn831i7rs"
    tag: str = "ckf3q0v9w0002qzrmn831i7rp"


def build_document(url: str, ids: Ids | None = None) -> dict[str, Any]:
    """`url` is the address of the API without `/v1`. With `ids`, the examples have these."""
    text = (ROOT / "openapi.yaml").read_text()
    for name, example in asdict(Ids()).items():
        text = text.replace(example, getattr(ids, name, example))
    document = cast("dict[str, Any]", yaml.load(text, yaml.CSafeLoader))
    document["servers"] = [{"url": url}]
    contents = " · ".join(f"[{_title(each)}]({_anchor(each)})" for each in GUIDES)
    document["info"]["description"] += "\n\n".join(["", f"Guides: {contents}", *map(_read_guide, GUIDES)])
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
                examples = _examples(_referred(document, each) for each in parameters)
                operation["x-codeSamples"] = _samples(url + path, method.upper(), operation, examples)
    return document


def _read_guide(file: Path) -> str:
    """Links to other guides lead to their headings. Other files are not on the page, so links to them become text."""

    def relink(link: re.Match[str]) -> str:
        target = (file.parent / link[2].partition("#")[0]).resolve()
        return f"[{link[1]}]({_anchor(target)})" if target in GUIDES else link[1]

    return _LINK.sub(relink, file.read_text())


def _title(guide: Path) -> str:
    return guide.read_text().partition("\n")[0].removeprefix("# ")


def _anchor(guide: Path) -> str:
    """Where Scalar puts the guide's heading."""
    return f"#description/{_title(guide).lower().replace(' ', '-')}"


type _Examples = dict[tuple[str, str], str]
"""By where the parameter is and by its name."""


def _examples(parameters: Iterable[dict[str, Any]]) -> _Examples:
    """Those of an operation replace those of its path, which come first."""
    return {(each["in"], each["name"]): each["example"] for each in parameters if "example" in each}


def _samples(url: str, method: str, operation: dict[str, Any], examples: _Examples) -> list[dict[str, str]]:
    for (place, name), example in examples.items():
        if place == "path":
            url = url.replace(f"{{{name}}}", example)
    query = {name: example for (place, name), example in examples.items() if place == "query"}
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    several = [each["value"] for each in content.get("examples", {}).values()]
    body = content.get("example", several[0] if several else None)
    return code_samples(operation["operationId"], method, url, query, body)


def _referred(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    found: Any = document
    for name in node["$ref"].split("/")[1:] if "$ref" in node else ():
        found = found[name]
    return node if found is document else cast("dict[str, Any]", found)
