"""The price of a million calls on AWS, and the monthly bill of three example customers."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.capacity import Consumption
from benchmarks.page import Section, Table
from benchmarks.pictures import draw_stacks

# Dollars for a million units, unless a comment says otherwise. Check them on AWS's pages before you rely on them.
PRICES_OF = "November 2025, us-east-1, without free tiers and discounts"
WRITE_UNITS, READ_UNITS = 0.625, 0.125
GATEWAY_CALLS = 3.50
FUNCTION_CALLS, GIGABYTE_SECONDS = 0.20, 13.333
TRACES = 5.00
LOG_GIGABYTE = 0.50  # for one gigabyte
STORED_GIGABYTE = 0.25 + 0.20  # one gigabyte for a month, and its point-in-time recovery
FIXED = 12.0  # for a month: about 35 custom metrics at 0.30, alarms, secrets

# Assumptions about a call.
MEMORY_GIGABYTES = 1.0
CPU_SHARE = 1024 / 1769  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
CPU_MS = 4.0
REQUEST_MS, TRANSACTION_MS = 5.0, 20.0
LOG_KILOBYTES = 2.0  # our log line and metrics, Lambda's own lines, the gateway's access log
TRACED = 0.05
CONTACT_KILOBYTES = 1.0  # with its pointer and DynamoDB's overhead for each item
ASSUMPTIONS = (
    f"{CPU_MS:.0f} ms of CPU time at a share of {CPU_SHARE:.2f}, {REQUEST_MS:.0f} ms for a request to DynamoDB "
    f"({TRANSACTION_MS:.0f} for a transaction), {LOG_KILOBYTES:.0f} kB of logs, and {100 * TRACED:.0f} % traced"
)


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
    prices = {name: _prices(flow, through_gateway="authorizer" not in name) for name, flow in flows.items()}
    shown = ["by phone", "by id", "upsert, existing", "upsert, new", "patch", "assign tag", "remove tag", "delete"]
    return Section(
        "Requests and capacity",
        [_flow_table(flows, prices), _customer_table(prices), _price_table()],
        draw_stacks("A million calls", "dollars", {name: prices[name] for name in shown}),
    )


def _prices(flow: Consumption, *, through_gateway: bool) -> dict[str, float]:
    waiting = sum(TRANSACTION_MS if each == "TransactWriteItems" else REQUEST_MS for each in flow.operations)
    seconds = (waiting + CPU_MS / CPU_SHARE) / 1000
    return {
        "function": FUNCTION_CALLS + GIGABYTE_SECONDS * MEMORY_GIGABYTES * seconds,
        "gateway": GATEWAY_CALLS if through_gateway else 0,
        "database": WRITE_UNITS * flow.write_units + READ_UNITS * flow.read_units,
        "logs and traces": LOG_GIGABYTE * LOG_KILOBYTES + TRACES * TRACED,
    }


def _flow_table(flows: Mapping[str, Consumption], prices: Mapping[str, Mapping[str, float]]) -> Table:
    return Table(
        ["", "requests", "read units", "write units", "$ database", "$ all"],
        [
            [
                name,
                ", ".join(flow.operations) or "none",
                f"{flow.read_units:g}",
                f"{flow.write_units}",
                f"{prices[name]['database']:.2f}",
                f"{sum(prices[name].values()):.2f}",
            ]
            for name, flow in flows.items()
        ],
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
        "Custom metrics, alarms and secrets, a month": FIXED,
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
