"""`contacts mirror` and `contacts changes` on the handlers of this process."""

import json
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from contacts.storage.changes import ChangeLog
from contacts_client import Contact, Contacts
from contacts_client.cli import mirror
from tests.clients.command import Command
from tests.clients.handlers_api import Api
from tests.events import ACME, GLOBEX, Tenant
from tests.functions.conftest import Stream

VIP, LEAD, *_ = ACME.tag_ids


class Killed(BaseException):
    """As by kill -9: nothing catches it."""


@pytest.fixture
def api(acme: Tenant, globex: Tenant) -> Api:
    return Api()


@pytest.fixture
def stream(api: Api) -> Stream:
    return Stream()


@pytest.fixture
def command(api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.setattr(mirror, "_PAGE", 2)
    return Command(monkeypatch, capsys, api, ACME.key_id)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "contacts.sqlite"


def mirrored(file: Path) -> dict[str, tuple[Any, ...]]:
    """Phone, name and tags by id."""
    with closing(sqlite3.connect(file)) as db:
        tags = db.execute("SELECT contact_id, tag_id, source, reason FROM tag_assignments ORDER BY tag_id").fetchall()
        contacts = db.execute("SELECT id, phone, display_name FROM contacts").fetchall()
    return {id_: (phone, name, [tag[1:] for tag in tags if tag[0] == id_]) for id_, phone, name in contacts}


def there(client: Contacts) -> dict[str, tuple[Any, ...]]:
    return {each.id: (each.phone, each.display_name, _tags(each)) for each in client.contacts()}


def _tags(contact: Contact) -> list[tuple[Any, ...]]:
    return sorted((each.tag_id, each.source, each.reason) for each in contact.tag_assignments or ())


def catch_up(command: Command, file: Path) -> int:
    """The number of contacts afterwards."""
    assert command.run("mirror", file, "--once", "--json") == 0
    return command.json["contacts"]


def change_everything(client: Contacts, stream: Stream) -> None:
    """A contact is renamed, one gets a tag and loses one, one is deleted and created again, one is new."""
    renamed, tagged, deleted, *_ = list(client.contacts())
    client.rename(renamed.id, "Renamed")
    client.assign(tagged.id, VIP, "asked")
    stream.publish()
    client.remove(tagged.id, LEAD)
    client.delete(deleted.id)
    stream.publish()
    client.upsert(deleted.phone, "Another")
    client.upsert("49151999999")
    stream.publish()


@pytest.fixture
def contacts(client: Contacts, stream: Stream) -> None:
    items = [{"phone": f"4915100000{n}", "display_name": f"Name {n}", "tags": [{"tag_id": LEAD}]} for n in range(5)]
    client.upsert_batch(items)
    stream.publish()


def test_a_mirror_lists_once_and_then_follows(
    command: Command, client: Contacts, contacts: None, stream: Stream, file: Path
) -> None:
    assert catch_up(command, file) == 5
    assert mirrored(file) == there(client)
    change_everything(client, stream)
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(Contacts, "contacts")
        assert catch_up(command, file) == 6
    assert mirrored(file) == there(client)


def test_what_changes_during_the_list_comes_after_it(
    command: Command, client: Contacts, contacts: None, stream: Stream, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_contacts = Contacts.contacts

    def change_meanwhile(self: Contacts) -> Any:
        found = list(list_contacts(self))
        monkeypatch.setattr(Contacts, "contacts", list_contacts)
        change_everything(client, stream)
        return iter(found)

    monkeypatch.setattr(Contacts, "contacts", change_meanwhile)
    catch_up(command, file)
    assert mirrored(file) == there(client)


def test_after_a_reset_everything_is_listed_again_and_what_is_gone_is_deleted(
    command: Command, client: Contacts, contacts: None, stream: Stream, file: Path
) -> None:
    catch_up(command, file)
    change_everything(client, stream)
    ChangeLog(ACME.id).reset()
    assert catch_up(command, file) == 6
    assert mirrored(file) == there(client)


@pytest.mark.parametrize("step", [0, 2, 4, 5, 6])
def test_a_mirror_that_is_killed_goes_on_where_it_was(
    command: Command,
    client: Contacts,
    contacts: None,
    stream: Stream,
    file: Path,
    step: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After the first steps of the list, or after those of the first page of changes."""
    if step > 4:
        catch_up(command, file)
        change_everything(client, stream)
    left = [step % 5 + 1]
    store = mirror.Mirror._store

    def store_and_die(self: mirror.Mirror, found: Any) -> None:
        for each in found:
            store(self, [each])
            left[0] -= 1
            if not left[0]:
                raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(mirror.Mirror, "_store", store_and_die)
        with pytest.raises(Killed):
            command.run("mirror", file, "--once")
    catch_up(command, file)
    assert mirrored(file) == there(client)


def test_only_its_owner_can_read_the_file(command: Command, contacts: None, file: Path) -> None:
    catch_up(command, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_of_another_tenant_is_refused(
    command: Command, contacts: None, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catch_up(command, file)
    before = mirrored(file)
    monkeypatch.setenv("CONTACTS_KEY", GLOBEX.key_id)
    assert command.run("mirror", file, "--once") == 2
    assert "is the mirror of another tenant" in command.errors
    assert mirrored(file) == before


def test_a_file_that_is_something_else_stays_as_it_is(command: Command, contacts: None, file: Path) -> None:
    file.write_text("Phone;Name\n" * 100)
    assert command.run("mirror", file, "--once") == 2
    assert "cannot be used as a mirror" in command.errors
    assert file.read_text() == "Phone;Name\n" * 100


def test_two_processes_do_not_overwrite_each_other(
    command: Command, client: Contacts, contacts: None, stream: Stream, file: Path
) -> None:
    catch_up(command, file)
    change_everything(client, stream)
    changes = Contacts.changes

    def follow_elsewhere_first(self: Contacts, cursor: str | None = None) -> Any:
        found = list(changes(self, cursor))
        patch.undo()
        catch_up(command, file)
        return iter(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Contacts, "changes", follow_elsewhere_first)
        assert command.run("mirror", file, "--once") == 2
    assert "Another process writes" in command.errors
    assert mirrored(file) == there(client)


def test_it_follows_until_it_is_interrupted(
    command: Command, client: Contacts, contacts: None, stream: Stream, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = [lambda: change_everything(client, stream), lambda: None]

    def sleep(_seconds: float) -> None:
        if not rounds:
            raise KeyboardInterrupt
        rounds.pop(0)()

    monkeypatch.setattr(time, "sleep", sleep)
    assert command.run("mirror", file, "--json") == 0
    assert command.json == {"contacts": 6}
    assert command.errors == f"5 contacts are in {file}.\n6 contacts are in {file}.\n"
    assert mirrored(file) == there(client)


class TestChanges:
    @pytest.fixture
    def cursor(self, tmp_path: Path) -> Path:
        return tmp_path / "cursor"

    @staticmethod
    def lines(command: Command) -> list[dict[str, Any]]:
        """Handlers in this process print their log between them."""
        found = [json.loads(each) for each in command.output.splitlines()]
        return [each for each in found if "contact" in each]

    def test_the_first_run_keeps_the_place_and_the_next_ones_go_on(
        self, command: Command, client: Contacts, contacts: None, stream: Stream, cursor: Path
    ) -> None:
        assert command.run("changes", "--cursor", cursor) == 0
        assert self.lines(command) == []
        [contact, *_] = list(client.contacts())
        client.rename(contact.id, "Renamed")
        stream.publish()
        assert command.run("changes", "--cursor", cursor) == 0
        [line] = self.lines(command)
        assert (line["type"], line["contact_id"], line["tag_id"], line["source"]) == (
            "contact.renamed",
            contact.id,
            None,
            "API",
        )
        assert line["contact"]["display_name"] == "Renamed"
        client.delete(contact.id)
        stream.publish()
        assert command.run("changes", "--cursor", cursor) == 0
        assert [(each["type"], each["contact"]) for each in self.lines(command)] == [("contact.deleted", None)]
        assert command.run("changes", "--cursor", cursor) == 0
        assert self.lines(command) == []

    def test_it_follows_until_it_is_interrupted(
        self,
        command: Command,
        client: Contacts,
        contacts: None,
        stream: Stream,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        rounds = [lambda: change_everything(client, stream)]

        def sleep(_seconds: float) -> None:
            if not rounds:
                raise KeyboardInterrupt
            rounds.pop()()

        monkeypatch.setattr(time, "sleep", sleep)
        assert command.run("changes", "--follow") == 0
        assert sorted(each["type"] for each in self.lines(command)) == [
            "contact.created",
            "contact.created",
            "contact.deleted",
            "contact.renamed",
            "tag.assigned",
            "tag.removed",
        ]

    def test_an_expired_cursor_is_an_error_that_says_what_to_do(
        self, command: Command, contacts: None, cursor: Path
    ) -> None:
        command.run("changes", "--cursor", cursor)
        ChangeLog(ACME.id).reset()
        assert command.run("changes", "--cursor", cursor) == 2
        assert f"Then delete {cursor}, and the command begins from now on." in command.errors
