"""The arithmetic of costs: from requests to dollars. The prices themselves are AWS's."""

import tomllib
from typing import Any

import pytest

from benchmarks import costs
from benchmarks.costs import (
    CUSTOMERS,
    price,
    price_messages_together,
    price_month,
    price_refusals,
    price_stage,
    price_synchronization,
)
from local import ROOT
from tests.alarms import metrics_of, resources_of
from tests.handlers import FUNCTIONS, logical_id
from tests.performance.test_capacity import flows_with
from tests.template.conftest import WORKERS, expanded_template

FLOWS = flows_with(costs.BATCH_SIZE)


def rounded(dollars: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in dollars.items() if round(value, 2)}


def test_a_million_look_ups_cost_5_26_dollars_all_told() -> None:
    dollars = price(FLOWS, "by phone")
    assert rounded(dollars) == {
        "function": 0.29,  # 0.20, and 9.2 ms of 768 MB: as long as 4 ms of CPU take at a share of 0.43
        "cold starts": 0.08,  # each hundredth call: 500 ms of 768 MB and a request to KMS
        "gateway": 3.50,
        "database": 0.12,  # one read unit
        "logs": 1.04,  # 2 kB at 0.50 for a gigabyte, and a fifth of it for three months at 0.03
        "data out": 0.09,
        "authorizer": 0.13,  # a tenth of the price of a run, which is like that of a look-up without the gateway
    }
    assert round(sum(dollars.values()), 2) == 5.26


def test_a_write_pays_for_the_consumer_of_the_stream() -> None:
    alone, refresh = (sum(price(FLOWS, f"publish, 1 {each}").values()) for each in ("change", "refresh"))
    assert (round(alone, 2), round(refresh, 2)) == (2.62, 1.15)
    assert price(FLOWS, "upsert, new")["stream"] == alone
    assert price(FLOWS, "upsert, existing")["stream"] == refresh
    assert price(FLOWS, "batch, existing")["stream"] == pytest.approx(5 * refresh)
    assert price(FLOWS, "by phone")["stream"] == 0


def test_every_write_of_a_contact_is_followed_by_a_run_of_the_consumer() -> None:
    unchanged = {"patch, replayed", "remove tag, missing"}
    writes = {
        name for name, flow in FLOWS.items() if flow.write_units and not name.startswith(("authorizer", "publish"))
    }
    assert costs.FOLLOWED_BY.keys() | costs.BATCHES_FOLLOWED_BY.keys() == writes - unchanged


def test_a_million_messages_cost_these_dollars_one_by_one_and_in_batches_of_10() -> None:
    messages = [name for name in FLOWS if name.startswith(("inbound message", "tag command"))]
    assert {
        name: (round(sum(price(FLOWS, name).values()), 2), round(price_messages_together(FLOWS, name), 2))
        for name in messages
    } == {
        "inbound message, new": (7.73, 3.84),
        "inbound message, existing": (4.23, 1.68),
        "inbound message, within the cooldown": (2.35, 0.85),
        "tag command, assign": (6.07, 2.00),
        "tag command, remove": (6.07, 2.00),
    }


def test_a_message_is_sent_received_and_deleted() -> None:
    assert price(FLOWS, "inbound message, existing")["queue"] == pytest.approx(3 * 0.40)
    assert price(FLOWS, "tag command, assign")["queue"] == pytest.approx(3 * 0.50)


def test_a_million_contacts_cost_these_dollars_by_batches_and_pages_of_100() -> None:
    dollars = price_synchronization(FLOWS)
    assert {name: round(batches, 2) for name, (_, batches) in dollars.items()} == {
        "existing contacts": 0.88,
        "new contacts": 3.58,
        "existing contacts with 3 tags": 1.41,
        "contacts read": 0.29,
    }


def test_a_flood_of_refused_calls_pays_for_the_authorizer_and_not_for_the_gateway() -> None:
    assert rounded(price_refusals(FLOWS)) == {
        "no Authorization header: the gateway's own 401": 0.35,
        "malformed key": 1.55,
        "unknown key": 1.68,
        "above a limit: 429": 0.35,
    }


def test_a_stage_with_16_functions_that_nobody_calls_costs_22_dollars_a_month() -> None:
    dollars = price_stage(16)
    assert rounded(dollars) == {
        "35 custom metrics": 10.50,
        "44 metrics in alarms": 4.40,
        "5 composite alarms": 2.50,
        "a dashboard": 3.00,
        "2 secrets": 0.80,
        "polling of the queue of inbound messages": 0.26,
        "polling of the queue of tag commands": 0.32,
        "KMS, once in five minutes for each of 15 roles": 0.39,
        "secret reads of the authorizer, once in five minutes": 0.04,
    }
    assert round(sum(dollars.values()), 2) == 22.22


def test_the_months_of_the_customers() -> None:
    shop, chain, call_centre = (price_month(FLOWS, customer) for customer in CUSTOMERS)
    for month in shop, chain, call_centre:
        assert month.pop("fixed") == sum(price_stage().values())
    assert round(sum(shop.values()), 2) == 0.87
    assert round(sum(chain.values()), 2) == 81.17
    assert rounded(call_centre) == {
        "calls": 621.92,
        "authorizer": 1.57,
        "messages": 601.15,
        "stream": 11.74,
        "storage": 2.25,
    }


def test_costs_are_computed_for_what_the_template_deploys(resources: dict[str, Any]) -> None:
    template = expanded_template()
    alarms = resources_of(template, "Alarm", "prod").values()
    assert sum(len(metrics_of(each)) for each in alarms) == costs.ALARMED_METRICS + len(FUNCTIONS)
    assert len(resources_of(template, "CompositeAlarm", "prod")) == costs.COMPOSITE_ALARMS
    types = [each["Type"] for each in template["Resources"].values()]
    assert types.count("AWS::SecretsManager::Secret") == costs.SECRETS
    assert len(FUNCTIONS) == costs.FUNCTIONS
    assert {*costs.FUNCTION_OF.values()} <= {*map(logical_id, FUNCTIONS)}
    for worker in WORKERS:
        [event] = resources[logical_id(worker)]["Properties"]["Events"].values()
        assert event["Properties"]["BatchSize"] == costs.MESSAGES_TOGETHER
    prod = tomllib.loads((ROOT / "samconfig.toml").read_text())["prod"]["global"]["parameters"]
    assert f"LogRetentionDays={30 * costs.LOG_MONTHS}" in prod["parameter_overrides"]
    assert template["Parameters"]["Tracing"]["Default"] == "PassThrough"
