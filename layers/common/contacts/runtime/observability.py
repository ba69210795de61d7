"""Logs and metrics. Phones, names, keys and bodies never go into either: log ids."""

from aws_lambda_powertools import Logger, Metrics

logger = Logger(service="contacts")
metrics = Metrics(service="contacts", namespace="Contacts")
