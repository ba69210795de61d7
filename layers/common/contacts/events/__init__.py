"""Queues and the table's stream: makes a Lambda handler of a use case for their records."""
