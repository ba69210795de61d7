"""Turns JSON from outside into checked values. Only functions that read a body or a message import pydantic."""
