"""Contacts, tags, sources, phones and what can go wrong with them. Knows neither AWS nor HTTP nor pydantic."""
