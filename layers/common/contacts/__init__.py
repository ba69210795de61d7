"""What the functions share: one tenant's contacts and their tags in a single DynamoDB table."""

from contacts import startup

startup.begin()
