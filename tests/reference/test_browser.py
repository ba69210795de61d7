"""The reference page in Chromium, as `make start` serves it: what it asks for, what it shows, who can use it."""

import os
import shutil
from collections.abc import Iterator
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, Request, sync_playwright

from local.stack import Stack
from tests.document import OPERATIONS, Operation
from tests.system import Customer

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium")

UPSERT = next(each for each in OPERATIONS if each.function == "upsert_contact")

TEXTS = ["nav", "[id$='/description/javascript']", "[id$='/description/errors']", "[id$='POST/v1/contacts']"]
"""Selectors of one text of each kind, because axe takes seconds for the contrast of all of them."""


class Reference:
    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(90_000)  # the machine may be busy with other tests
        self.requests: list[Request] = []
        self.messages: list[str] = []
        """Warnings and errors in the console."""
        page.on("request", self._note_request)
        page.on("console", self._note_message)
        page.on("pageerror", self._note_error)

    def _note_request(self, request: Request) -> None:
        self.requests.append(request)

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in {"warning", "error"}:
            self.messages.append(message.text)

    def _note_error(self, error: Error) -> None:
        self.messages.append(str(error))

    def show(self, operation: Operation) -> Locator:
        """Scalar renders an operation when somebody comes near it."""
        self.page.evaluate("place => { location.hash = place }", place_of(operation))
        section = self.section(operation)
        section.get_by_role("heading", name=operation.described["summary"], exact=True).wait_for()
        return section

    def section(self, operation: Operation) -> Locator:
        return self.page.locator(f"[id$='{place_of(operation)}']")

    def find_barriers(self, context: object = None, **options: Any) -> list[str]:
        """What axe finds serious or critical."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text())
        found = self.page.evaluate(
            "([context, options]) => axe.run(context ?? document, {resultTypes: ['violations'], ...options})",
            [context, options],
        )
        return [
            f"{each['id']}: {node['html']}"
            for each in found["violations"]
            if each["impact"] in {"serious", "critical"}
            for node in each["nodes"]
        ]


def place_of(operation: Operation) -> str:
    return f"tag/{operation.described['tags'][0]}/{operation.method}{operation.path}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # root cannot have one
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)


@pytest.fixture(scope="module")
def shown(browser: Browser, reference: Stack) -> Reference:
    """The page with all its operations. It is opened once, because that takes seconds."""
    shown = Reference(browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="light"))
    shown.page.goto(f"{reference.base_url}/docs")
    for operation in OPERATIONS:
        shown.show(operation)
    return shown


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.described["operationId"])
def test_an_operation_shows_its_sample(shown: Reference, operation: Operation) -> None:
    sample = shown.section(operation).locator("pre").first.inner_text()
    assert sample.startswith("curl ")
    assert sample.count("http") == 1


def test_there_are_samples_in_four_languages(shown: Reference, stack: Stack) -> None:
    section = shown.show(UPSERT)
    section.get_by_test_id("client-picker").click()
    options = shown.page.get_by_role("option")
    assert options.all_inner_texts() == ["curl", "JavaScript", "Python", "Java"]
    options.get_by_text("Python").click()
    section.get_by_text("from urllib.request import Request, urlopen").wait_for()


def test_the_form_sends_a_request_with_the_demo_key(shown: Reference, customer: Customer) -> None:
    shown.show(UPSERT).get_by_role("button", name="Test Request").click()
    form = shown.page.get_by_role("dialog")
    with shown.page.expect_response("**/v1/contacts*") as answer:
        form.get_by_role("button", name="Send post request").click()
    assert answer.value.status == 201
    assert answer.value.json()["displayName"] == "Katherine Johnson"
    assert answer.value.request.all_headers()["authorization"] == f"Bearer {customer.full.key}"
    form.get_by_text("201 Created").wait_for()
    shown.page.keyboard.press("Escape")
    form.wait_for(state="hidden")


def test_nothing_on_the_page_is_a_barrier(shown: Reference) -> None:
    assert shown.find_barriers(rules={"color-contrast": {"enabled": False}}) == []
    assert shown.find_barriers({"include": TEXTS}, runOnly=["color-contrast"]) == []


def test_on_a_phone_in_dark_mode_all_is_readable(browser: Browser, reference: Stack) -> None:
    """Without scrolling sideways."""
    phone = Reference(browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark"))
    phone.page.goto(f"{reference.base_url}/docs")
    phone.show(max(OPERATIONS, key=lambda operation: len(operation.described["summary"])))
    assert phone.page.evaluate("document.body.className") == "dark-mode"
    assert phone.page.evaluate("document.documentElement.scrollWidth") == 390
    assert phone.find_barriers({"include": TEXTS}, runOnly=["color-contrast"]) == []
    assert phone.messages == []


def test_the_page_asks_nobody_else_and_complains_of_nothing(shown: Reference, reference: Stack) -> None:
    """After all that the tests above did."""
    assert {urlsplit(each.url).netloc for each in shown.requests} == {urlsplit(reference.base_url).netloc}
    assert shown.messages == []
