"""The DynamoDB table: its items and keys, and every operation on them with its condition and its retries."""
