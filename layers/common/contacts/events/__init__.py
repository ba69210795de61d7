"""Queues: makes a Lambda handler of a use case for one message."""
