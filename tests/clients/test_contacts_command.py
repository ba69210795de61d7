"""The `contacts` command with a made-up API behind it: what goes wrong, and what it says."""

import io
import json
import os
import re
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from contacts_client.cli import commands, plan, push, terminal
from contacts_client.cli.sending import Pace
from tests.clients.command import Command, read, write
from tests.clients.made_up_api import KEY, TAGS, MadeUpApi

TEN = [[f"4915100000{number}", f"Name {number}", "VIP"] for number in range(10)]
NAMES = {phone: name for phone, name, _ in TEN}


type Capture = pytest.CaptureFixture[str]


def nothing(_request: httpx2.Request, _number: int) -> None:
    """Lets the API answer."""


def names_row(request: httpx2.Request, *rows: int) -> bool:
    """Whether the batch has one of the rows of TEN. Batches side by side may arrive in any order."""
    return any(TEN[row][0].encode() in request.content for row in rows)


class Killed(BaseException):
    """Ends the command like a signal that nothing can catch."""


@pytest.fixture
def api() -> MadeUpApi:
    return MadeUpApi()


@pytest.fixture
def command(api: MadeUpApi, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Command:
    monkeypatch.setattr(push, "BATCH", 2)
    return Command(monkeypatch, capsys, api, "sflo_live_x")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "crm.csv"


def test_a_small_file_is_looked_up_where_a_list_would_take_more_requests(
    api: MadeUpApi, file: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, *TEN)
    command.push(file)
    monkeypatch.setattr(plan, "_PAGE", 1)
    write(file, ["49151000009", "Ada King", ""], ["5511987654321", "Bia", ""])
    assert command.push(file, "--match", "alias", "--dry-run") == (0, {"created": 1, "renamed": 1})
    looked_up = [each.url.params["phone"] for each in api.requests if each.url.path == "/v1/contacts/by-phone"]
    assert looked_up == ["49151000009", "5511987654321", "551187654321"]


def test_phones_with_a_leading_zero_are_pointed_out(api: MadeUpApi, file: Path, command: Command) -> None:
    write(file, TEN[0], ["0049 151 00000", "", ""], ["0151 00000", "", ""])
    assert command.push(file) == (0, {"created": 3})
    assert "row 3: phone begins with 0 (so do 2 in all). Write the country code without 00," in command.errors
    write(file, TEN[0])
    command.push(file)
    assert "begins with 0" not in command.errors


def test_unknown_tags_are_listed_and_nothing_is_sent(api: MadeUpApi, file: Path, command: Command) -> None:
    write(file, ["49151000001", "", "vip"], ["49151000002", "", "New lead|\x1b[2JGold"], ["49151000003", "", "Gold"])
    assert command.run("push", file, "--yes") == 2
    assert "  \ufffd[2JGold (row 3)\n  Gold (row 4)\n" in command.errors
    assert api.batches == []
    assert [*file.parent.iterdir()] == [file]


def test_refused_rows_are_in_a_file_that_can_be_pushed_when_it_is_mended(
    api: MadeUpApi, file: Path, command: Command
) -> None:
    header = "Phone", "Name", "Note"
    write(file, ["1", "Ada", "a\nb"], ["49151000002", "Bob"], ["49151000003", "Eve", "", "x"], ["2"], header=header)
    assert command.push(file) == (1, {"created": 1, "refused": 3})
    failed = Path(f"{file}.failed.csv")
    too_few = "phone must have 5 to 32 digits."
    rows = [
        ["1", "Ada", "a\nb", "400", too_few],
        ["49151000003", "Eve", ",x", "400", "The row has 4 cells, but the header has 3."],
        ["2", "", "", "400", too_few],
    ]
    assert read(failed) == [[*header, "Status", "Reason"], *rows]
    write(failed, ["49151000001", *rows[0][1:]], *rows[1:], header=[*header, "Status", "Reason"])
    assert command.push(failed) == (1, {"created": 2, "refused": 1})
    assert read(Path(f"{failed}.failed.csv")) == [[*header, "Status", "Reason"], rows[2]]
    assert api.names == {"49151000001": "Ada", "49151000002": "Bob", "49151000003": "Eve"}


def test_the_last_row_of_a_phone_wins(
    api: MadeUpApi, file: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "BATCH", 1)
    api.intercept = lambda _request, number: time.sleep(0.02 / number)  # earlier batches take longer
    write(file, *[["49151000001", f"Name {number}", ""] for number in range(8)])
    assert command.push(file) == (0, {"created": 1, "renamed": 7})
    assert api.names == {"49151000001": "Name 7"}


def test_a_push_that_was_killed_goes_on_and_reports_as_if_nothing_had_happened(
    api: MadeUpApi, file: Path, command: Command
) -> None:
    """The answers to the batches in flight are lost. Their Idempotency-Keys make the API repeat them."""
    write(file, [*TEN[1][:2], ""])
    command.push(file)
    api.batches.clear()
    write(file, *TEN, ["x", "", ""])

    def kill(request: httpx2.Request, _number: int) -> None:
        if not names_row(request, 0, 2):
            api.answer(request)
            raise Killed

    api.intercept = kill
    with pytest.raises(Killed):
        command.push(file)
    progress = Path(f"{file}.progress")
    assert "Name" not in progress.read_text()
    assert "49151" not in progress.read_text()
    with progress.open("a") as torn:
        torn.write('{"rows": 9')
    recorded, lost = set[str](), set[str]()
    for key, (_, request) in zip(api.keys, api.batches, strict=True):
        (recorded if names_row(request, 0, 2) else lost).add(key)
    api.batches.clear()
    api.intercept = nothing
    assert command.push(file) == (1, {"created": 9, "tags_added": 1, "refused": 1})
    assert len(recorded) == 2
    assert recorded.isdisjoint(api.keys)
    assert lost <= {*api.keys}
    assert api.names == NAMES
    assert {each.name for each in file.parent.iterdir()} == {"crm.csv", "crm.csv.failed.csv"}


def test_a_failed_row_of_a_push_that_was_killed_is_written_once(api: MadeUpApi, file: Path, command: Command) -> None:
    write(file, ["x", "", ""], *TEN[:2], ["y", "", ""], *TEN[2:4])
    api.intercept = lambda request, _number: None if names_row(request, 0) else httpx2.Response(401)
    assert command.push(file) == (3, {"created": 1, "refused": 1, "left": 4})
    with Path(f"{file}.failed.csv").open("a") as failed:
        failed.write("y,,,400,the kill came before the progress was written")
    api.intercept = nothing
    assert command.push(file) == (1, {"created": 4, "refused": 2})
    assert [row[0] for row in read(Path(f"{file}.failed.csv"))] == ["Phone", "x", "y"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_finishes_what_is_in_flight(
    api: MadeUpApi, file: Path, command: Command, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "BATCH", 1)
    write(file, *TEN)
    former = signal.getsignal(number)

    def interrupt(_request: httpx2.Request, batch: int) -> None:
        if batch == 2:
            os.kill(os.getpid(), number)
        time.sleep(0.1)

    api.intercept = interrupt
    code, first = command.push(file)
    assert (code, first["created"] + first["left"]) == (1, 10)
    assert first["created"] == len(api.contacts) == len(api.batches) <= 5
    assert command.errors == "Stopped.\n"
    assert signal.getsignal(number) == former
    api.intercept = nothing
    assert command.push(file) == (0, {"created": 10})
    assert command.errors == f"Going on after {first['created']} of 10 rows.\n"
    assert len(api.batches) == 10
    assert api.names == NAMES


def test_a_429_pauses_all_threads_and_nothing_is_lost(
    api: MadeUpApi, file: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "BATCH", 1)
    write(file, *TEN)
    limited = {"error": {"message": "Rate limit", "type": "OAuthException", "code": 4, "fbtrace_id": "f"}}

    def refuse(_request: httpx2.Request, number: int) -> httpx2.Response | None:
        return httpx2.Response(429, json=limited, headers={"Retry-After": "1"}) if number == 2 else None

    api.intercept = refuse
    assert command.push(file) == (0, {"created": 10})
    times = [time - api.batches[1][0] for time, _ in api.batches]
    assert times[-1] >= 1
    assert [each for each in times if 0.3 < each < 1] == []  # the other threads were in flight and ended before
    assert len(api.keys) - len({*api.keys}) == 1
    assert api.names == NAMES


def test_the_pace_of_all_threads_together_is_limited() -> None:
    pace, begin = Pace(per_second=100), time.monotonic()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: pace.wait(), range(11)))
    assert time.monotonic() - begin >= 10 / 100


def test_a_batch_whose_key_is_still_in_use_is_sent_again(
    api: MadeUpApi, file: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a kill, when the API may still work on the batch."""
    monkeypatch.setattr(Pace, "pause", lambda self, _seconds: self.wait())
    in_use = {"error": {"message": "In use", "type": "GraphMethodException", "code": 131000, "fbtrace_id": "f"}}
    api.intercept = lambda _request, number: httpx2.Response(409, json=in_use) if number < 4 else None
    write(file, *TEN[:2])
    assert command.push(file) == (0, {"created": 2})
    assert len(api.keys) == 4
    assert len({*api.keys}) == 1


def test_a_contact_that_a_lost_attempt_made_counts_as_created(api: MadeUpApi, file: Path, command: Command) -> None:
    """The API keeps no answer if an item of the batch was a 503, so it does the others again."""

    def lose(request: httpx2.Request, number: int) -> httpx2.Response | None:
        if number > 1:
            return None
        api.answer(request)
        api.kept.clear()
        return httpx2.Response(503, headers={"Retry-After": "0"})

    api.intercept = lose
    write(file, *TEN[:2])
    assert command.push(file) == (0, {"created": 2})


def test_an_api_that_is_down_stops_the_push_which_goes_on_later(
    api: MadeUpApi, file: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_RETRY_SECONDS", 0)
    write(file, *TEN)
    api.intercept = lambda request, _number: None if names_row(request, 0) else httpx2.Response(503)
    assert command.push(file) == (1, {"created": 2, "left": 8})
    api.intercept = nothing
    assert command.push(file) == (0, {"created": 10})


def test_a_batch_that_the_api_cannot_do_fails_alone(api: MadeUpApi, file: Path, command: Command) -> None:
    write(file, *TEN)
    api.intercept = lambda request, _number: httpx2.Response(500, json={}) if names_row(request, 3) else None
    assert command.push(file) == (1, {"created": 8, "refused": 2})
    failed = read(Path(f"{file}.failed.csv"))
    assert failed[1:] == [[*row, "500", "no error object in the answer"] for row in TEN[2:4]]


def test_an_unfinished_push_refuses_another_file_and_other_options_until_it_is_forgotten(
    api: MadeUpApi, file: Path, command: Command
) -> None:
    write(file, *TEN)
    api.intercept = lambda request, _number: None if names_row(request, 0) else httpx2.Response(401)
    assert command.push(file) == (3, {"created": 2, "left": 8})
    api.intercept = nothing
    for options in ["--tag", "new lead"], ["--match", "alias"], ["--name", "Tags"]:
        assert command.run("push", file, "--yes", *options) == 2
        assert "a push is unfinished, and the options changed since. --restart forgets it." in command.errors
    write(file, *TEN[1:])
    assert command.run("push", file, "--yes") == 2
    assert "a push is unfinished, and the file changed since. --restart forgets it." in command.errors
    assert command.push(file, "--restart", "--tag", "new lead") == (0, {"created": 8, "tags_added": 1})
    assert api.names == NAMES
    assert [each["tagId"] for each in api.contacts["49151000009"]["tagAssignments"]] == [TAGS["New lead"]]


def test_a_progress_file_that_something_else_wrote_is_refused(api: MadeUpApi, file: Path, command: Command) -> None:
    write(file, *TEN)
    Path(f"{file}.progress").write_text("50 %\n")
    assert command.run("push", file, "--yes") == 2
    assert "is not what a push writes. --restart deletes it." in command.errors
    assert api.batches == []


def test_pull_and_push_ask_before_they_replace_a_file_or_send(
    api: MadeUpApi, file: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, *TEN)
    content = file.read_bytes()
    for answer in "n\n", "":
        for name in "pull", "push":
            monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
            assert command.run(name, file) == 2
    assert (file.read_bytes(), api.batches) == (content, [])
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n" * 2))
    assert command.run("push", file) == 0
    assert api.names == NAMES
    assert command.run("pull", file) == 0
    assert [row[0] for row in read(file)] == ["Phone", *NAMES]


def test_without_a_terminal_there_are_lines(
    api: MadeUpApi, file: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "_SECONDS_BETWEEN_LINES", 0.05)
    api.intercept = lambda request, _number: time.sleep(0.2 * names_row(request, 9))
    write(file, ["x", "", ""], *TEN[1:])
    assert command.run("push", file, "--yes") == 1
    assert "row 2: phone must contain digits and the usual separators only.\n" in command.errors
    assert re.search(r"^Pushing: 8 of 10 rows, \d+/s, 0:00:0\d left, 1 refused$", command.errors, re.MULTILINE)
    assert command.output == f"created: 9, refused: 1. The refused rows are in {file}.failed.csv.\n"


def test_tags_and_whoami_print_what_the_api_says(command: Command) -> None:
    assert command.run("tags", "--json") == 0
    assert [(each["name"], each["id"]) for each in json.loads(command.output)] == [*TAGS.items()]
    assert command.run("tags") == 0
    assert {*TAGS} <= {line.strip() for line in command.output.splitlines()}
    assert command.run("whoami", "--json") == 0
    assert json.loads(command.output)["batch_rate_limit"] == KEY["batchRateLimit"]
    assert command.run("whoami") == 0
    assert f'tenant id          "{KEY["tenantId"]}"\n' in command.output


def test_a_key_that_is_refused_is_exit_code_3(monkeypatch: pytest.MonkeyPatch, capsys: Capture, file: Path) -> None:
    write(file, *TEN)
    command = Command(monkeypatch, capsys, lambda _request: httpx2.Response(401), "sflo_live_x")
    for arguments in ["whoami"], ["tags"], ["pull", f"{file}.new"], ["push", file, "--yes"]:
        assert command.run(*arguments) == 3
    assert [*file.parent.iterdir()] == [file]


@pytest.mark.parametrize("arguments", [[], ["push"], ["push", "absent.csv"], ["whoami", "--key", "sflo_live_x"]])
def test_usage_that_is_wrong_is_exit_code_2(command: Command, arguments: list[str]) -> None:
    assert command.run(*arguments) == 2


@pytest.mark.parametrize(
    "setting",
    [
        {"CONTACTS_URL": "api.example.com"},
        {"CONTACTS_URL": "https://api.example.com:x"},
        {"CONTACTS_KEY": ""},
        {"CONTACTS_KEY": "sflo_live_…"},
    ],
)
def test_settings_that_are_wrong_are_exit_code_2(
    api: MadeUpApi, command: Command, monkeypatch: pytest.MonkeyPatch, setting: dict[str, str]
) -> None:
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    assert command.run("whoami") == 2
    assert "CONTACTS_" in command.errors
    assert api.requests == []


@pytest.mark.parametrize(
    ("content", "options", "text"),
    [
        (b"", [], "has no header"),
        (b"a;b\n1;2\n", [], "Which column has the phones? Pass --phone with one of: a, b."),
        (b"Phone\n1\n", ["--name", "Nom"], "has no column 'Nom', but these: Phone."),
        (b"Phone,phone\n1,2\n", [], "has several columns 'phone'."),
        (b"Phone\n\xe9\n", [], "is neither UTF-8 nor UTF-16"),
        (b'Phone\n"49151\n', [], "line 2: unexpected end of data. Is a quote never closed?"),
        (b"Phone\n1\n", ["--tags", "Phone", "--tag", "VIP"], "Pass --tags or --tag, not both."),
    ],
)
def test_a_file_that_cannot_be_read_is_exit_code_2(
    api: MadeUpApi, file: Path, command: Command, content: bytes, options: list[str], text: str
) -> None:
    file.write_bytes(content)
    assert command.run("push", file, "--yes", *options) == 2
    assert text in command.errors
    assert api.batches == []
