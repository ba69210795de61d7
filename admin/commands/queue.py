from dataclasses import asdict
from typing import Annotated

import typer

from admin.dead_letters import Queue, list_backlogs, show_dead_letters
from admin.dead_letters import redrive as return_dead_letters
from admin.errors import Refused
from admin.progress import progress
from admin.terminal import Json, show

app = typer.Typer(no_args_is_help=True, help="The queues and their dead letters.")

QueueName = Annotated[Queue, typer.Argument()]


@app.command("list")
def list_(*, as_json: Json = False) -> None:
    """Show how many messages wait in each queue, and how many are dead letters."""
    show([asdict(backlog) for backlog in list_backlogs()], as_json=as_json)


@app.command("show")
def show_(
    queue: QueueName,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The number of dead letters.")] = 10,
    bodies: Annotated[
        bool, typer.Option("--bodies", help="Show the messages themselves, which have phones and names.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show dead letters and why they were given up. They stay where they are."""
    shown = [asdict(letter) for letter in show_dead_letters(queue, limit)]
    hidden = set() if bodies else {"body"}
    show([{name: each[name] for name in each if name not in hidden} for each in shown], as_json=as_json)


@app.command()
def redrive(
    queue: QueueName,
    *,
    max_per_second: Annotated[int, typer.Option(min=1, max=1000, help="The most messages to return in a second.")] = 20,
    as_json: Json = False,
) -> None:
    """Return all dead letters to their queue. Safe to repeat, also after an interruption."""
    with progress() as shown:
        shown.begin("Returning dead letters")
        try:
            done = return_dead_letters(queue, max_per_second, shown.advance)
        except KeyboardInterrupt:
            raise Refused(
                "Interrupted. Run the command again in two minutes: until then some dead letters are hidden."
            ) from None
    show({"queue": queue} | done._asdict(), as_json=as_json)
