"""Greets people as a YAML document says."""

import yaml


def greetings(document: str) -> list[str]:
    """One greeting per entry of `document`, a YAML mapping of names to words of greeting."""
    people = yaml.safe_load(document) or {}
    if not isinstance(people, dict):
        raise ValueError("the document is not a mapping of names to greetings")
    return [f"{word}, {name}!" for name, word in people.items()]
