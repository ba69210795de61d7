"""What AWS bills: a million calls or messages, a stage that nobody calls, a flood of refused calls, three customers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil

from admin.jobs import READ_PRICE, WRITE_PRICE
from benchmarks.capacity import Consumption
from benchmarks.page import Section, Table
from local import ROOT

# Dollars for a million units, unless a comment says otherwise. PRICES names the page of each.
PRICES_OF = "us-east-1, without free tiers and discounts, as noted on 27 November 2026"
GATEWAY_CALLS = 3.50
FUNCTION_CALLS, GIGABYTE_SECONDS = 0.20, 13.3334
QUEUE_REQUESTS, FIFO_REQUESTS = 0.40, 0.50
SECRET_READS, KEY_REQUESTS = 5.00, 3.00
TRACES = 5.00
LOG_GIGABYTE, LOG_STORED = 0.50, 0.03  # one gigabyte, and one that is kept for a month, compressed
OUT_GIGABYTE = 0.09  # one gigabyte to the internet
STORED_GIGABYTE = 0.25 + 0.20  # one gigabyte for a month, and its point-in-time recovery
METRIC, ALARMED_METRIC, COMPOSITE_ALARM, DASHBOARD, SECRET = 0.30, 0.10, 0.50, 3.00, 0.40  # one for a month

# What a stage has.
METRICS = 35  # about as many combinations of metric, stage and kind
FUNCTIONS = len([*ROOT.glob("functions/*/app.py")])
ALARMED_METRICS = 28  # besides the throttles of each function
COMPOSITE_ALARMS, SECRETS = 5, 2
POLLS = 5 * 3 * 60 * 24 * 30  # of a queue in a month: five long polls of 20 s at the same time, also without a message
FIVE_MINUTES = 12 * 24 * 30  # in a month

# Assumptions about a call.
MEGABYTES_OF_A_CORE = 1769  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
CPU_MS = 4.0
REQUEST_MS, TRANSACTION_MS = 5.0, 20.0
COLD_STARTS, START_MS = 0.01, 500.0  # share of the calls, and the initialization, which is billed
AUTHORIZER_RUNS = 0.1  # share of the calls for which the gateway has not cached the authorizer's answer
FUNCTION_LOG_KILOBYTES = 1.5  # our log line and metrics, and Lambda's own lines
ACCESS_LOG_KILOBYTES = 0.5
LOG_MONTHS, LOG_COMPRESSION = 3, 0.2  # 90 days, as in prod
ANSWER_KILOBYTES = 1.0  # with headers; for each contact of a page or batch, too
BATCH_SIZE, SIDE_BY_SIDE = 100, 8
BATCH_CPU_MS, PAGE_CPU_MS = 2.0, 0.2  # for each contact
MESSAGES_TOGETHER, MESSAGE_CPU_MS, MESSAGE_LOG_KILOBYTES = 10, 1.0, 0.5  # the most in a run; for each message
CHANGES_TOGETHER = 20  # in a run of the stream's consumer while there are many
MISSES_SECONDS = 5  # how often an unknown key lets an execution environment read the pepper again
CONTACT_KILOBYTES = 1.0  # with its pointer and DynamoDB's overhead for each item
ASSUMPTIONS = (
    f"the `MemorySize` of template.yaml, {CPU_MS:.0f} ms of CPU time, {REQUEST_MS:.0f} ms for a request to DynamoDB "
    f"({TRANSACTION_MS:.0f} for a transaction), {SIDE_BY_SIDE} of a batch or a page side by side, {BATCH_CPU_MS:.0f} "
    f"ms of CPU time for each contact of a batch and {PAGE_CPU_MS} ms for each one of a page, "
    f"a cold start of {START_MS:.0f} ms for {100 * COLD_STARTS:.0f} % of the runs, an authorizer run for "
    f"{100 * AUTHORIZER_RUNS:.0f} % of the calls, {FUNCTION_LOG_KILOBYTES + ACCESS_LOG_KILOBYTES:.0f} kB of logs kept "
    f"for {30 * LOG_MONTHS} days at {100 * LOG_COMPRESSION:.0f} % of their size, and answers of "
    f"{ANSWER_KILOBYTES:.0f} kB for each contact"
)

PRICES = {
    "DynamoDB on demand, a million write units": (WRITE_PRICE, "dynamodb/pricing/on-demand"),
    "DynamoDB on demand, a million read units": (READ_PRICE, "dynamodb/pricing/on-demand"),
    "DynamoDB, a gigabyte for a month with point-in-time recovery": (STORED_GIGABYTE, "dynamodb/pricing/on-demand"),
    "API Gateway REST, a million calls": (GATEWAY_CALLS, "api-gateway/pricing"),
    "Lambda, a million calls": (FUNCTION_CALLS, "lambda/pricing"),
    "Lambda on ARM, a million gigabyte seconds, initialization included": (GIGABYTE_SECONDS, "lambda/pricing"),
    "SQS standard, a million requests": (QUEUE_REQUESTS, "sqs/pricing"),
    "SQS FIFO, a million requests": (FIFO_REQUESTS, "sqs/pricing"),
    "Secrets Manager, a million reads": (SECRET_READS, "secrets-manager/pricing"),
    "Secrets Manager, a secret for a month": (SECRET, "secrets-manager/pricing"),
    "KMS, a million requests": (KEY_REQUESTS, "kms/pricing"),
    "CloudWatch, a gigabyte of logs": (LOG_GIGABYTE, "cloudwatch/pricing"),
    "CloudWatch, a compressed gigabyte of logs for a month": (LOG_STORED, "cloudwatch/pricing"),
    "CloudWatch, a custom metric for a month": (METRIC, "cloudwatch/pricing"),
    "CloudWatch, a metric in an alarm for a month": (ALARMED_METRIC, "cloudwatch/pricing"),
    "CloudWatch, a composite alarm for a month": (COMPOSITE_ALARM, "cloudwatch/pricing"),
    "CloudWatch, a dashboard for a month": (DASHBOARD, "cloudwatch/pricing"),
    "Data to the internet, a gigabyte": (OUT_GIGABYTE, "ec2/pricing/on-demand"),
    "X-Ray, a million traces; `Tracing` is off unless you turn it on": (TRACES, "xray/pricing"),
}
"""Dollars, and the page below https://aws.amazon.com/."""

FUNCTION_OF = {
    "authorizer": "Authorizer",
    "by phone": "GetContactByPhone",
    "by id": "GetContact",
    "list contacts": "ListContacts",
    "upsert": "UpsertContact",
    "batch": "UpsertContacts",
    "one of a batch": "UpsertContacts",
    "patch": "UpdateContact",
    "delete": "DeleteContact",
    "assign tag": "AssignTag",
    "remove tag": "RemoveTag",
    "list tags": "ListTags",
    "changes": "ListChanges",
    "inbound message": "RecordInboundMessage",
    "tag command": "ApplyTagCommand",
    "publish": "PublishChanges",
}
"""How the names of flows begin → the function that runs, by its logical id."""

SYNCHRONIZED = {
    "existing contacts": (["upsert, existing"], "batch, existing"),
    "new contacts": (["upsert, new"], "batch, new"),
    "existing contacts with 3 tags": (["upsert, existing", *["assign tag"] * 3], "batch, existing, 3 tags"),
    "contacts read": (["by phone"], "list contacts"),
}
"""What is done to a contact → the calls that do it for one contact, and the one that does it for BATCH_SIZE of them."""


FOLLOWED_BY = {
    "upsert, new": "publish, 1 change",
    "upsert, existing": "publish, 1 refresh",
    "upsert, 20 tags": "publish, 1 refresh",
    "upsert, largest": "publish, 1 refresh",
    "patch": "publish, 1 change",
    "patch, Idempotency-Key": "publish, 1 change",
    "assign tag": "publish, 1 change",
    "assign tag, again": "publish, 1 refresh",
    "assign tag, 20 tags": "publish, 1 change",
    "remove tag": "publish, 1 change",
    "delete": "publish, 1 change",
    "delete, largest": "publish, 1 change",
    "one of a batch, new, with an alias": "publish, 1 change",
    "one of a batch, existing under its alias": "publish, 1 refresh",
    "one of a batch, 20 tags, second attempt": "publish, 1 change",
    "inbound message, new": "publish, 1 change",
    "inbound message, existing": "publish, 1 refresh",
    "tag command, assign": "publish, 1 change",
    "tag command, remove": "publish, 1 change",
}
"""The run of the stream's consumer that a write causes while there are few writes: a refresh publishes nothing."""

BATCHES_FOLLOWED_BY = {
    "batch, new": (BATCH_SIZE, f"publish, {CHANGES_TOGETHER} changes, again"),
    "batch, existing": (BATCH_SIZE, "publish, 1 refresh"),
    "batch, existing, 3 tags": (3 * BATCH_SIZE, f"publish, {CHANGES_TOGETHER} changes, again"),
}
"""The same for the changes or refreshes of a batch, CHANGES_TOGETHER of them in a run."""

REFUSALS = {
    "no Authorization header: the gateway's own 401": None,
    "malformed key": "authorizer, malformed key",
    "unknown key": "authorizer, unknown key",
    "above a limit: 429": None,
}
"""Calls for which API Gateway bills nothing but data, and the run of the authorizer that they cause.

https://repost.aws/questions/QU5y4fo-e3RWyU5r4VmyPIzA/pricing-clarification-for-api-gateway
"""


@dataclass(frozen=True)
class Customer:
    name: str
    contacts: int
    authorizer_runs: float
    """Share of calls for which the gateway has not cached the authorizer's answer."""
    changes_together: int
    """In a run of the stream's consumer: 1 or CHANGES_TOGETHER."""
    calls: Mapping[str, float]
    """Millions a month, by flow."""
    messages: Mapping[str, float]
    """Millions a month, by flow, each in a run of its own."""


CUSTOMERS = [
    Customer(
        "A shop whose CRM looks up every caller",
        10_000,
        0.5,
        1,
        {"by phone": 0.03, "upsert, existing": 0.02, "upsert, new": 0.001, "assign tag": 0.005},
        {
            "inbound message, new": 0.001,
            "inbound message, existing": 0.05,
            "inbound message, within the cooldown": 0.1,
            "tag command, assign": 0.005,
        },
    ),
    Customer(
        "A chain, synchronized with its CRM every night",
        300_000,
        0.01,
        CHANGES_TOGETHER,
        {"by phone": 1, "by id": 0.5, "upsert, existing": 9, "upsert, new": 0.02, "assign tag": 0.5, "remove tag": 0.1},
        {
            "inbound message, new": 0.02,
            "inbound message, existing": 2,
            "inbound message, within the cooldown": 4,
            "tag command, assign": 0.5,
            "tag command, remove": 0.2,
        },
    ),
    Customer(
        "A call centre, some look-ups for every conversation",
        5_000_000,
        0.01,
        CHANGES_TOGETHER,
        {"by phone": 60, "by id": 30, "upsert, existing": 15, "upsert, new": 0.2, "patch": 3, "assign tag": 10},
        {
            "inbound message, new": 0.2,
            "inbound message, existing": 60,
            "inbound message, within the cooldown": 140,
            "tag command, assign": 20,
            "tag command, remove": 5,
        },
    ),
]

type Flows = Mapping[str, Consumption]


def describe(flows: Flows) -> Section:
    from benchmarks.pictures import draw_stacks  # noqa: PLC0415 - tests import this module, and matplotlib takes a second

    shown = ["by phone", "by id", "upsert, existing", "upsert, new", "patch", "assign tag", "remove tag", "delete"]
    return Section(
        "Requests and capacity",
        [
            _flow_table(flows),
            _message_table(flows),
            _synchronization_table(flows),
            _flood_table(flows),
            _fixed_table(),
            _customer_table(flows),
            _price_table(),
        ],
        draw_stacks("A million calls", "dollars", {name: _stack(flows, name) for name in shown}),
    )


def price(flows: Flows, name: str) -> dict[str, float]:
    """Dollars for a million calls, or for a million messages that come one by one, by what is billed."""
    return price_itself(name, flows[name]) | {
        "authorizer": AUTHORIZER_RUNS * _run_of_authorizer(flows) if _is_call(name) else 0,
        "stream": _stream(flows, name, 1),
    }


def price_itself(name: str, flow: Consumption) -> dict[str, float]:
    """As `price`, without the authorizer and the stream's consumer."""
    cold_start = _gigabyte_seconds(name, START_MS) + KEY_REQUESTS
    if name.startswith("authorizer"):
        cold_start += SECRET_READS
    return {
        "function": FUNCTION_CALLS + _gigabyte_seconds(name, _duration_ms(name, flow)),
        "cold starts": COLD_STARTS * cold_start,
        "gateway": GATEWAY_CALLS if _is_call(name) else 0,
        "queue": 3 * _queue_requests(name),  # send, receive, delete
        "database": WRITE_PRICE * flow.write_units + READ_PRICE * flow.read_units,
        "logs": _logs(FUNCTION_LOG_KILOBYTES + (ACCESS_LOG_KILOBYTES if _is_call(name) else 0)),
        "data out": OUT_GIGABYTE * ANSWER_KILOBYTES * _contacts_of(name) if _is_call(name) else 0,
    }


def price_messages_together(flows: Flows, name: str) -> float:
    """Dollars for a million messages of which MESSAGES_TOGETHER come in a run."""
    flow = flows[name]
    share = 1 / MESSAGES_TOGETHER
    one_by_one = price_itself(name, flow)
    milliseconds = _stretch(name, _waiting_ms(flow), CPU_MS * share + MESSAGE_CPU_MS)
    return (
        FUNCTION_CALLS * share
        + _gigabyte_seconds(name, milliseconds)
        + one_by_one["cold starts"] * share
        + (1 + 2 * share) * _queue_requests(name)
        + one_by_one["database"]
        + _logs(MESSAGE_LOG_KILOBYTES + (FUNCTION_LOG_KILOBYTES - MESSAGE_LOG_KILOBYTES) * share)
        + _stream(flows, name, CHANGES_TOGETHER)
    )


def price_refusals(flows: Flows) -> dict[str, float]:
    """Dollars for a million refused calls."""
    dollars = {}
    for refusal, run in REFUSALS.items():
        dollars[refusal] = _logs(ACCESS_LOG_KILOBYTES) + OUT_GIGABYTE * ANSWER_KILOBYTES
        if run:
            dollars[refusal] += sum(price_itself(run, flows[run]).values())
        if run == "authorizer, unknown key":
            dollars[refusal] += SECRET_READS * _duration_ms(run, flows[run]) / 1000 / MISSES_SECONDS
    return dollars


def price_synchronization(flows: Flows) -> dict[str, tuple[float, float]]:
    """Dollars for a million contacts: by single calls, and by calls that take BATCH_SIZE contacts."""
    prices = {
        name: sum(price(flows, name).values()) for single, many in SYNCHRONIZED.values() for name in [*single, many]
    }
    return {
        name: (sum(prices[each] for each in single), prices[many] / BATCH_SIZE)
        for name, (single, many) in SYNCHRONIZED.items()
    }


def price_stage(functions: int = FUNCTIONS) -> dict[str, float]:
    """Dollars a month, whether anybody calls or not. Without calls the last two are less."""
    alarmed_metrics, roles = ALARMED_METRICS + functions, functions - 1  # whoami does not use the table
    return {
        f"{METRICS} custom metrics": METRICS * METRIC,
        f"{alarmed_metrics} metrics in alarms": alarmed_metrics * ALARMED_METRIC,
        f"{COMPOSITE_ALARMS} composite alarms": COMPOSITE_ALARMS * COMPOSITE_ALARM,
        "a dashboard": DASHBOARD,
        f"{SECRETS} secrets": SECRETS * SECRET,
        "polling of the queue of inbound messages": POLLS * QUEUE_REQUESTS / 1_000_000,
        "polling of the queue of tag commands": POLLS * FIFO_REQUESTS / 1_000_000,
        "polling of the stream, for which DynamoDB does not bill Lambda": 0.0,
        f"KMS, once in five minutes for each of {roles} roles": roles * FIVE_MINUTES * KEY_REQUESTS / 1_000_000,
        "secret reads of the authorizer, once in five minutes": FIVE_MINUTES * SECRET_READS / 1_000_000,
    }


def price_month(flows: Flows, customer: Customer) -> dict[str, float]:
    """Dollars, by what causes them."""
    amounts = {**customer.calls, **customer.messages}
    own = {name: count * sum(price_itself(name, flows[name]).values()) for name, count in amounts.items()}
    return {
        "calls": sum(own[name] for name in customer.calls),
        "authorizer": sum(customer.calls.values()) * customer.authorizer_runs * _run_of_authorizer(flows),
        "messages": sum(own[name] for name in customer.messages),
        "stream": sum(count * _stream(flows, name, customer.changes_together) for name, count in amounts.items()),
        "storage": STORED_GIGABYTE * customer.contacts * CONTACT_KILOBYTES / 1_000_000,
        "fixed": sum(price_stage().values()),
    }


def _is_call(name: str) -> bool:
    return not name.startswith(("authorizer", "publish", "inbound message", "tag command"))


def _contacts_of(name: str) -> int:
    if name.startswith("batch") or name == "list contacts":
        return BATCH_SIZE
    return CHANGES_TOGETHER if name == f"changes, {CHANGES_TOGETHER} new ones" else 1


@cache
def _memory_sizes() -> dict[str, int]:
    """In megabytes, by logical id of the function."""
    from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]  # noqa: PLC0415 - takes a second

    template = yaml_parse((ROOT / "template.yaml").read_text())
    usual = template["Globals"]["Function"]["MemorySize"]
    return {name: template["Resources"][name]["Properties"].get("MemorySize", usual) for name in FUNCTION_OF.values()}


def _memory_mb(name: str) -> int:
    return _memory_sizes()[next(function for start, function in FUNCTION_OF.items() if name.startswith(start))]


def _gigabyte_seconds(name: str, milliseconds: float) -> float:
    """Dollars for a million runs."""
    return GIGABYTE_SECONDS * _memory_mb(name) / 1024 * milliseconds / 1000


def _duration_ms(name: str, flow: Consumption) -> float:
    waiting, cpu = _waiting_ms(flow), CPU_MS
    if name.startswith("batch"):
        waiting /= SIDE_BY_SIDE
        cpu += BATCH_CPU_MS * BATCH_SIZE
    elif name == "list contacts":  # one Query, the others side by side, then the contacts
        waiting = (2 + ceil((len(flow.operations) - 2) / SIDE_BY_SIDE)) * REQUEST_MS
        cpu += PAGE_CPU_MS * BATCH_SIZE
    return _stretch(name, waiting, cpu)


def _stretch(name: str, waiting_ms: float, cpu_ms: float) -> float:
    """The share of a core that the memory buys counts for the whole call, also while the call waits."""
    return max(waiting_ms + cpu_ms, cpu_ms * MEGABYTES_OF_A_CORE / _memory_mb(name))


def _waiting_ms(flow: Consumption) -> float:
    return sum(TRANSACTION_MS if each == "TransactWriteItems" else REQUEST_MS for each in flow.operations)


def _queue_requests(name: str) -> float:
    if name.startswith("inbound message"):
        return QUEUE_REQUESTS
    return FIFO_REQUESTS if name.startswith("tag command") else 0


def _logs(kilobytes: float) -> float:
    return kilobytes * (LOG_GIGABYTE + LOG_STORED * LOG_MONTHS * LOG_COMPRESSION)


def _run_of_authorizer(flows: Flows) -> float:
    return sum(price_itself("authorizer", flows["authorizer"]).values())


def _stream(flows: Flows, name: str, together: int) -> float:
    """What a million of these calls cost in the stream's consumer, with 1 or CHANGES_TOGETHER writes in a run."""
    if name in BATCHES_FOLLOWED_BY:
        changes, run = BATCHES_FOLLOWED_BY[name]
        return changes / CHANGES_TOGETHER * sum(price_itself(run, flows[run]).values())
    if name not in FOLLOWED_BY:
        return 0
    run = FOLLOWED_BY[name]
    if together > 1 and run == "publish, 1 change":
        run = f"publish, {together} changes, again"
    return sum(price_itself(run, flows[run]).values()) / together


def _stack(flows: Flows, name: str) -> dict[str, float]:
    parts = price(flows, name)
    return {
        "function": parts["function"] + parts["cold starts"],
        "gateway": parts["gateway"],
        "database": parts["database"],
        "logs and data out": parts["logs"] + parts["data out"],
        "authorizer and stream": parts["authorizer"] + parts["stream"],
    }


def _flow_table(flows: Flows) -> Table:
    prices = {name: price(flows, name) for name in flows}
    columns = "function", "database", "logs", "authorizer", "stream"
    return Table(
        ["", "requests", "read units", "write units", *(f"$ {each}" for each in columns), "$ all"],
        [
            [
                name,
                _count_operations(flow),
                f"{flow.read_units:g}",
                f"{flow.write_units}",
                *(f"{prices[name][each]:.2f}" for each in columns),
                f"{sum(prices[name].values()):.2f}",
            ]
            for name, flow in flows.items()
        ],
    )


def _count_operations(flow: Consumption) -> str:
    counts = Counter(flow.operations)
    return ", ".join(name if number == 1 else f"{number} {name}" for name, number in counts.items()) or "none"


def _message_table(flows: Flows) -> Table:
    return Table(
        ["a million messages", "$ one by one", f"$ in batches of {MESSAGES_TOGETHER}"],
        [
            [name, f"{sum(price(flows, name).values()):.2f}", f"{price_messages_together(flows, name):.2f}"]
            for name in flows
            if _queue_requests(name)
        ],
    )


def _synchronization_table(flows: Flows) -> Table:
    return Table(
        ["a million contacts", "$ by single calls", f"$ by batches or pages of {BATCH_SIZE}"],
        [[name, f"{single:.2f}", f"{many:.2f}"] for name, (single, many) in price_synchronization(flows).items()],
    )


def _flood_table(flows: Flows) -> Table:
    return Table(
        ["refused calls", "$ a million", "$ an hour at 1,000 a second"],
        [[name, f"{dollars:.2f}", f"{3.6 * dollars:.2f}"] for name, dollars in price_refusals(flows).items()],
    )


def _fixed_table() -> Table:
    fixed = price_stage()
    rows = [*fixed.items(), ("all", sum(fixed.values()))]
    return Table(["a stage", "$ a month"], [[name, f"{dollars:.2f}"] for name, dollars in rows])


def _customer_table(flows: Flows) -> Table:
    months = {customer.name: price_month(flows, customer) for customer in CUSTOMERS}
    parts = list(next(iter(months.values())))
    return Table(
        ["", "contacts", "million calls", "million messages", *(f"$ {each}" for each in parts), "$ a month"],
        [
            [
                customer.name,
                f"{customer.contacts:,}",
                f"{sum(customer.calls.values()):.2f}",
                f"{sum(customer.messages.values()):.2f}",
                *(f"{dollars:,.2f}" for dollars in (*month.values(), sum(month.values()))),
            ]
            for customer, month in zip(CUSTOMERS, months.values(), strict=True)
        ],
    )


def _price_table() -> Table:
    return Table(
        ["price", "$", "source"],
        [
            [name, f"{dollars:,.3f}", f"[{page}](https://aws.amazon.com/{page}/)"]
            for name, (dollars, page) in PRICES.items()
        ],
    )
