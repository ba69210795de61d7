import httpx2
import pytest

from contacts_client import Contacts
from tests.clients.handlers_api import Api
from tests.events import ACME


@pytest.fixture
def client(api: Api) -> Contacts:
    return Contacts("https://api.example.com", ACME.key_id, transport=httpx2.MockTransport(api))
