"""The reference: a client and nothing else. Warm, it makes the requests that it is told to."""

import boto3

client = boto3.client("dynamodb")


def handler(event, _context):
    for operation, parameters in event["requests"]:
        getattr(client, operation)(**parameters)
    return {"statusCode": 200}
