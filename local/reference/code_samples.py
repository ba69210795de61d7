"""Code samples of an operation, made of the examples in openapi.yaml. They need only a language's standard library.

Each sends one request with the API key in the environment variable CONTACTS_KEY and prints the body of the answer.
"""

import json
import re
import shlex
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_LINE = 80

_LANGUAGES = {
    "curl": ("shell", "curl.txt"),
    "JavaScript": ("javascript", "javascript.txt"),
    "Python": ("python", "python.txt"),
    "Java": ("java", "java.txt"),
}
"""By label, in the order in which the page shows them: the name for the colours, and the template."""


def code_samples(name: str, method: str, url: str, query: dict[str, str], body: object) -> list[dict[str, str]]:
    """The value of `x-codeSamples`. `url` has no query, and `body` is None if there is none."""
    values = {"name": name[0].upper() + name[1:], "method": method, "url": url, "query": query}
    return [
        {
            "lang": colours,
            "label": label,
            "source": _templates.get_template(file).render(**values, body=body and _json(body)),
        }
        for label, (colours, file) in _LANGUAGES.items()
    ]


def _json(value: object) -> str:
    short = json.dumps(value, ensure_ascii=False)
    return short if len(short) < _LINE else json.dumps(value, ensure_ascii=False, indent=2)


def _python(text: str) -> str:
    literals = {"null": "None", "true": "True", "false": "False"}
    return re.sub(r"(?<=: )(null|true|false)\b", lambda found: literals[found[0]], text)


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("samples")),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701 - these are no HTML
)
_templates.filters |= {"json": _json, "python": _python, "shell": shlex.quote}
