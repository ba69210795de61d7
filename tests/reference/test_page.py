"""The reference page, as `make start` serves it and as `make docs` writes it."""

import re
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from local import ROOT, commands
from local.reference.document import GUIDES, build_document
from local.stack import Stack

FILES = {
    "/docs": "text/html; charset=utf-8",
    "/openapi.yaml": "application/yaml",
    "/docs/icon.svg": "image/svg+xml",
    "/docs/page.js": "text/javascript; charset=utf-8",
    "/docs/scalar.js": "text/javascript; charset=utf-8",
}


def get(stack: Stack, path: str, **headers: str) -> httpx.Response:
    return httpx.get(stack.base_url + path, headers=headers, trust_env=False)


@pytest.mark.parametrize("path", FILES)
def test_a_file_is_served_to_its_own_origin_only(reference: Stack, path: str) -> None:
    answer = get(reference, path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, FILES[path])
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_demo_key_is_in_no_file_that_a_page_of_another_origin_could_run(reference: Stack) -> None:
    key = reference.demo["tenants"][0]["keys"]["full"]
    assert [path for path in FILES if key in get(reference, path).text] == ["/docs"]


@pytest.mark.parametrize("path", FILES)
def test_a_page_whose_name_resolves_to_127_0_0_1_gets_no_file(reference: Stack, path: str) -> None:
    assert get(reference, path, Host="attacker.example").status_code == 404


def test_the_page_is_found_by_the_name_localhost(reference: Stack) -> None:
    port = reference.base_url.rpartition(":")[2]
    assert get(reference, "/docs", Host=f"localhost:{port}").status_code == 200


def test_a_file_is_only_read(reference: Stack) -> None:
    assert httpx.post(f"{reference.base_url}/docs", trust_env=False).status_code == 404


def test_make_docs_writes_a_page_without_a_form_and_without_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "SITE", tmp_path / "site")
    outcome = CliRunner().invoke(commands.app, ["docs", "--url", "https://contacts.example.com/"])
    assert outcome.exit_code == 0, outcome.output
    written = {path.relative_to(tmp_path / "site").as_posix(): path for path in tmp_path.rglob("*.*")}
    assert written.keys() == {"index.html", *(path[1:] for path in FILES if path != "/docs")}
    page = written["index.html"].read_text()
    assert '"hideTestRequestButton": true' in page
    assert '"token": ""' in page
    assert "https://contacts.example.com/v1/contacts/batch" in written["openapi.yaml"].read_text()


def test_guides_link_to_each_other_by_the_headings_of_the_page() -> None:
    text = build_document("http://127.0.0.1")["info"]["description"]
    headings = {
        f"#description/{heading.lower().replace(' ', '-')}" for heading in re.findall(r"^# (.+)$", text, re.MULTILINE)
    }
    links = set(re.findall(r"\]\(([^)]+)\)", text))
    assert len(headings) == len(GUIDES)
    assert links == headings


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_a_guide_links_to_files_that_exist(guide: Path) -> None:
    links = re.findall(r"\]\((?!https:)([^)#]+)", guide.read_text())
    assert [link for link in links if not (guide.parent / link).exists()] == []


def test_every_file_of_docs_guides_is_on_the_page() -> None:
    assert {*(ROOT / "docs" / "guides").iterdir()} <= {*GUIDES}
