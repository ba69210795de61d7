"""The price of a million calls on AWS, and the monthly bill of three example customers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.capacity import Consumption
from benchmarks.page import Section, Table

# Dollars for a million units, unless a comment says otherwise. Check them on AWS's pages before you rely on them.
PRICES_OF = "November 2025, us-east-1, without free tiers and discounts"
WRITE_UNITS, READ_UNITS = 0.625, 0.125
GATEWAY_CALLS = 3.50
FUNCTION_CALLS, GIGABYTE_SECONDS = 0.20, 13.333
TRACES = 5.00
LOG_GIGABYTE = 0.50  # for one gigabyte
STORED_GIGABYTE = 0.25 + 0.20  # one gigabyte for a month, and its point-in-time recovery
# A month: about 35 metrics at 0.30, 44 in alarms at 0.10, 5 composite alarms at 0.50, a dashboard, 2 secrets at 0.40
FIXED = 35 * 0.30 + 44 * 0.10 + 5 * 0.50 + 3.00 + 2 * 0.40

# Assumptions about a call.
MEMORY_GIGABYTES = 1.0
CPU_SHARE = 1024 / 1769  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
CPU_MS = 4.0
REQUEST_MS, TRANSACTION_MS = 5.0, 20.0
LOG_KILOBYTES = 2.0  # our log line and metrics, Lambda's own lines, the gateway's access log
TRACED = 0.05
BATCH_SIZE, SIDE_BY_SIDE = 100, 8
BATCH_CPU_MS, PAGE_CPU_MS = 2.0, 0.2  # for each contact
CONTACT_KILOBYTES = 1.0  # with its pointer and DynamoDB's overhead for each item
ASSUMPTIONS = (
    f"{CPU_MS:.0f} ms of CPU time at a share of {CPU_SHARE:.2f}, {REQUEST_MS:.0f} ms for a request to DynamoDB "
    f"({TRANSACTION_MS:.0f} for a transaction), {SIDE_BY_SIDE} of a batch side by side, {BATCH_CPU_MS:.0f} ms of CPU "
    f"time for each contact of a batch and {PAGE_CPU_MS} ms for each one of a page, "
    f"{LOG_KILOBYTES:.0f} kB of logs, and {100 * TRACED:.0f} % traced"
)


SYNCHRONIZED = {
    "existing contacts": (["upsert, existing"], "batch, existing"),
    "new contacts": (["upsert, new"], "batch, new"),
    "existing contacts with 3 tags": (["upsert, existing", *["assign tag"] * 3], "batch, existing, 3 tags"),
    "contacts read": (["by phone"], "list contacts"),
}
"""What is done to a contact → the calls that do it for one contact, and the one that does it for BATCH_SIZE of them."""


@dataclass(frozen=True)
class Customer:
    name: str
    contacts: int
    authorizer_runs: float
    """Share of calls for which the gateway has not cached the authorizer's answer."""
    calls: Mapping[str, float]
    """Millions a month, by flow."""


CUSTOMERS = [
    Customer(
        "A shop whose CRM looks up every caller",
        10_000,
        0.5,
        {"by phone": 0.03, "upsert, existing": 0.02, "upsert, new": 0.001, "assign tag": 0.005},
    ),
    Customer(
        "A chain, synchronized with its CRM every night",
        300_000,
        0.01,
        {"by phone": 1, "by id": 0.5, "upsert, existing": 9, "upsert, new": 0.02, "assign tag": 0.5, "remove tag": 0.1},
    ),
    Customer(
        "A call centre, some look-ups for every conversation",
        5_000_000,
        0.01,
        {"by phone": 60, "by id": 30, "upsert, existing": 15, "upsert, new": 0.2, "patch": 3, "assign tag": 10},
    ),
]


def describe(flows: Mapping[str, Consumption]) -> Section:
    from benchmarks.pictures import draw_stacks  # noqa: PLC0415 - tests import this module, and matplotlib takes a second

    prices = {name: _prices(name, flow) for name, flow in flows.items()}
    shown = ["by phone", "by id", "upsert, existing", "upsert, new", "patch", "assign tag", "remove tag", "delete"]
    return Section(
        "Requests and capacity",
        [_flow_table(flows, prices), _synchronization_table(flows), _customer_table(prices), _price_table()],
        draw_stacks("A million calls", "dollars", {name: prices[name] for name in shown}),
    )


def price_synchronization(flows: Mapping[str, Consumption]) -> dict[str, tuple[float, float]]:
    """Dollars for a million contacts: by single calls, and by calls that take BATCH_SIZE contacts."""
    prices = {name: sum(_prices(name, flow).values()) for name, flow in flows.items()}
    return {
        name: (sum(prices[each] for each in single), prices[many] / BATCH_SIZE)
        for name, (single, many) in SYNCHRONIZED.items()
    }


def _prices(name: str, flow: Consumption) -> dict[str, float]:
    """Dollars for a million calls."""
    waiting = sum(TRANSACTION_MS if each == "TransactWriteItems" else REQUEST_MS for each in flow.operations)
    cpu = CPU_MS
    if name.startswith("batch"):
        waiting /= SIDE_BY_SIDE
        cpu += BATCH_CPU_MS * BATCH_SIZE
    elif name == "list contacts":
        cpu += PAGE_CPU_MS * BATCH_SIZE
    return {
        "function": FUNCTION_CALLS + GIGABYTE_SECONDS * MEMORY_GIGABYTES * (waiting + cpu / CPU_SHARE) / 1000,
        "gateway": 0 if name.startswith(("authorizer", "publish")) else GATEWAY_CALLS,
        "database": WRITE_UNITS * flow.write_units + READ_UNITS * flow.read_units,
        "logs and traces": LOG_GIGABYTE * LOG_KILOBYTES + TRACES * TRACED,
    }


def _flow_table(flows: Mapping[str, Consumption], prices: Mapping[str, Mapping[str, float]]) -> Table:
    return Table(
        ["", "requests", "read units", "write units", "$ database", "$ all"],
        [
            [
                name,
                _count_operations(flow),
                f"{flow.read_units:g}",
                f"{flow.write_units}",
                f"{prices[name]['database']:.2f}",
                f"{sum(prices[name].values()):.2f}",
            ]
            for name, flow in flows.items()
        ],
    )


def _count_operations(flow: Consumption) -> str:
    counts = Counter(flow.operations)
    return ", ".join(name if number == 1 else f"{number} {name}" for name, number in counts.items()) or "none"


def _synchronization_table(flows: Mapping[str, Consumption]) -> Table:
    return Table(
        ["a million contacts", "$ by single calls", f"$ by batches or pages of {BATCH_SIZE}"],
        [[name, f"{single:.2f}", f"{many:.2f}"] for name, (single, many) in price_synchronization(flows).items()],
    )


def _customer_table(prices: Mapping[str, Mapping[str, float]]) -> Table:
    return Table(
        ["", "contacts", "million calls a month", "$ calls", "$ storage", "$ a month, with the fixed part"],
        [_customer_row(customer, prices) for customer in CUSTOMERS],
    )


def _price_table() -> Table:
    prices = {
        "DynamoDB on demand, a million write units": WRITE_UNITS,
        "DynamoDB on demand, a million read units": READ_UNITS,
        "DynamoDB, a gigabyte for a month with point-in-time recovery": STORED_GIGABYTE,
        "API Gateway REST, a million calls": GATEWAY_CALLS,
        "Lambda on ARM, a million calls": FUNCTION_CALLS,
        "Lambda on ARM, a million gigabyte seconds": GIGABYTE_SECONDS,
        "X-Ray, a million traces": TRACES,
        "CloudWatch, a gigabyte of logs": LOG_GIGABYTE,
        "Custom metrics, alarms, dashboard and secrets, a month": FIXED,
    }
    return Table(["price", "$"], [[name, f"{dollars:,.3f}"] for name, dollars in prices.items()])


def _customer_row(customer: Customer, prices: Mapping[str, Mapping[str, float]]) -> list[str]:
    millions = sum(customer.calls.values())
    calls = sum(count * sum(prices[name].values()) for name, count in customer.calls.items())
    calls += millions * customer.authorizer_runs * sum(prices["authorizer"].values())
    storage = STORED_GIGABYTE * customer.contacts * CONTACT_KILOBYTES / 1_000_000
    return [
        customer.name,
        f"{customer.contacts:,}",
        f"{millions:.2f}",
        f"{calls:,.2f}",
        f"{storage:.2f}",
        f"{calls + storage + FIXED:,.2f}",
    ]
