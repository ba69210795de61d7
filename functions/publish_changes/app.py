"""Stream of the table: appends what changed about contacts to the change logs of their tenants"""

from contacts.domain.changes import Changes
from contacts.events.stream import stream_consumer
from contacts.runtime import startup
from contacts.storage.changes import ChangeLog
from contacts.storage.table import connect


@stream_consumer
def handler(tenant_id: str, changes: Changes, deadline: float) -> None:
    ChangeLog(tenant_id, deadline).append(changes)


startup.finish(connect)
