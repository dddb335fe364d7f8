"""As much of JSON Schema as the tools' schemas use: what is valid, and values that are not."""

import json

TYPES = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}

OF_EACH_TYPE = [None, True, 7, 1.5, "text", [], [1], {}, {"a": 1}]

KNOWN = {
    "$schema", "type", "properties", "required", "additionalProperties", "items", "enum", "description", "title", "default",
    "minimum", "maximum", "exclusiveMinimum", "minLength", "minItems", "maxItems", "anyOf",
}


def types_of(schema):
    types = schema.get("type", [])
    return types if isinstance(types, list) else [types]


def problems(value, schema, where):
    """What is wrong with it, as texts."""
    unknown = set(schema) - KNOWN
    assert not unknown, f"{where}: a schema with {unknown}, which is not known here"
    if "anyOf" in schema:
        branches = [problems(value, branch, where) for branch in schema["anyOf"]]
        return [] if [] in branches else branches[0]
    types = types_of(schema)
    if types and not any(TYPES[name](value) for name in types):
        return [f"{where}: {json.dumps(value)[:80]} is not of type {types}"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: {value!r} is none of {schema['enum']}")
    if TYPES["number"](value):
        if value < schema.get("minimum", value) or value > schema.get("maximum", value):
            found.append(f"{where}: {value} is out of range")
        if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
            found.append(f"{where}: {value} is too small")
    elif isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            found.append(f"{where}: is too short")
    elif isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            found.append(f"{where}: has {len(value)} items")
        for index, item in enumerate(value):
            found += problems(item, schema.get("items", {}), f"{where}[{index}]")
    elif isinstance(value, dict):
        properties = schema.get("properties", {})
        found += [f"{where}: {name} is missing" for name in schema.get("required", []) if name not in value]
        others = schema.get("additionalProperties", True)
        for name, item in value.items():
            if name in properties:
                found += problems(item, properties[name], f"{where}.{name}")
            elif others is False:
                found.append(f"{where}: {name} is not known")
            elif isinstance(others, dict):
                found += problems(item, others, f"{where}.{name}")
    return found


def check(value, schema, where):
    found = problems(value, schema, where)
    assert not found, f"{found} in {json.dumps(value)[:1000]}"


def wrong_values(schema):
    """Values of each type, and just out of each bound, that the schema does not allow."""
    candidates = list(OF_EACH_TYPE)
    if "minimum" in schema:
        candidates.append(schema["minimum"] - 1)
    if "exclusiveMinimum" in schema:
        candidates.append(schema["exclusiveMinimum"])
    if "maximum" in schema:
        candidates += [schema["maximum"] + 1, 2**63, 2**64, 10**30]
    if schema.get("minLength"):
        candidates.append("")
    if "enum" in schema:
        candidates += ["", schema["enum"][0].upper() + "x"]
    if "maxItems" in schema:
        candidates.append(["x"] * (schema["maxItems"] + 1))
    return [value for value in candidates if problems(value, schema, "")]
