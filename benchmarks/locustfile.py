"""Locust's scenarios: a CRM that synchronizes contacts, and people who look contacts up."""

import os
import random

from locust import FastHttpUser, task

KEY, TAG_ID = os.environ["BENCHMARK_KEY"], os.environ["BENCHMARK_TAG_ID"]
PHONES = [f"49160{number:07}" for number in range(int(os.environ["BENCHMARK_CONTACTS"]))]


class Caller(FastHttpUser):
    """Sends the next request as soon as the previous one is answered."""

    abstract = True
    default_headers = {"Authorization": f"Bearer {KEY}"}  # noqa: RUF012 - Locust's


class CrmSync(Caller):
    @task
    def synchronize(self) -> None:
        contact = {"phone": random.choice(PHONES), "display_name": "Ada Lovelace"}
        synchronized = self.client.post("/v1/contacts", json=contact, name="upsert")
        if random.random() < 0.25:  # noqa: PLR2004 - one contact in four has a new tag
            path = f"/v1/contacts/{synchronized.json()['id']}/tags"
            self.client.post(path, json={"tag_id": TAG_ID}, name="assign tag")


class Lookup(Caller):
    @task
    def look_up(self) -> None:
        found = self.client.get(f"/v1/contacts/by-phone?phone={random.choice(PHONES)}", name="by phone")
        if found.status_code == 200:  # noqa: PLR2004
            self.client.get(f"/v1/contacts/{found.json()['id']}", name="by id")
