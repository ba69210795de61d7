"""`contacts push`, from the checked file to the last row."""

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from itertools import islice
from types import FrameType

from contacts_client import Contacts
from contacts_client.cli.failures import FailedRows
from contacts_client.cli.plan import CREATED, REFUSED, UNCHANGED, Effect, Known, check, predict
from contacts_client.cli.progress import Progress
from contacts_client.cli.rows import Rows
from contacts_client.cli.sending import BATCH, Outcome, Pace, Sender
from contacts_client.cli.terminal import Meter, tell


def check_rows(rows: Rows) -> int:
    """The number of rows. Raises Misuse if they name tags that do not exist."""
    with Meter("Checking") as meter:
        number, remarks = check(meter.track(rows))
    for remark in remarks:
        tell(remark)
    return number


def make_plan(client: Contacts, rows: Rows, number: int, *, alias: bool) -> str:
    """An Effect for each of the rows."""
    with closing(Known()) as known:
        with Meter("Reading contacts") as meter:
            known.read(client, rows, number, alias=alias, tick=meter.advance)
        with Meter("Planning", number) as meter:
            return "".join(meter.track(predict(rows, known, alias=alias)))


def send(rows: Rows, progress: Progress, sender: Sender, pace: Pace) -> None:
    """Goes on where `progress` is. Raises ContactsError and Stopped with some rows left."""
    meter = Meter("Pushing", len(progress.plan), done=progress.rows, refused=progress.counts["refused"])
    with closing(FailedRows(rows.sheet, progress.failed_size)) as failed, meter, _stoppable(pace, meter):
        left = islice(rows, progress.rows, None)
        for batch, outcomes in sender.send(iter(lambda: [*islice(left, BATCH)], [])):
            planned = progress.plan[progress.rows : progress.rows + len(batch)]
            effects = [*map(_effect, planned, outcomes)]
            for row, outcome in zip(batch, outcomes, strict=True):
                if outcome.reason:
                    failed.add(row, outcome)
            progress.record(effects, failed.flush())
            meter.advance(len(batch), effects.count(REFUSED))


def _effect(planned: Effect, outcome: Outcome) -> Effect:
    """The answer to a batch does not tell a renamed contact from an unchanged one: the plan does.

    It also knows that a contact is new if the API says that it exists, because an attempt that got no answer made it.
    """
    if outcome.status == HTTPStatus.CREATED:
        return CREATED
    if outcome.status != HTTPStatus.OK:
        return REFUSED
    return UNCHANGED if planned == REFUSED else planned


@contextmanager
def _stoppable(pace: Pace, meter: Meter) -> Iterator[None]:
    """Ctrl-C finishes what is in flight. The second one ends the process at once, which is safe, too."""

    def stop(number: int, _frame: FrameType | None) -> None:
        pace.stop()
        meter.what = "Stopping after what is in flight"
        signal.signal(number, signal.SIG_DFL)

    former = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in former.items():
            signal.signal(each, handler)
