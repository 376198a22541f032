"""A believable example of a JSON schema, for the OpenAPI document: the people and the workspace of the README."""

import re
from typing import Any

_PREFIX = "#/components/schemas/"
_NONE = object()
# A name's example, or, where one name means several things, the example of `Component.name`. A pattern, the first that fits.
_BY_NAME: list[tuple[str, Any]] = [
    (r"\w*Channel\w*\.name", "general"),
    (r"\w*Channel\w*\.description", "Everything that concerns everyone"),
    (r"\w*Workspace\w*\.name|.*\.workspace_name", "Engineering Team"),
    (r"\w*Workspace\w*\.description", "Main engineering workspace"),
    (r"\w*Activity\w*\.type", "message_sent"),
    (r"\w*Notification\w*\.message", "John Doe mentioned you in #general"),
    (r"\w*Notification\w*\.kind", "mention"),
    (r"AuditRecord\.action", "member_role_changed"),
    (r"AuditRecord\.target_type", "user"),
    (r"AuditRecord\.details", {"email": "alice@example.com", "role": "admin", "old_role": "member"}),
    (r".*\.user_agent", "Mozilla/5.0 (X11; Linux x86_64)"),
    (r"Done\.message", "Done"),
    (r"MemberAdded\.message", "alice@example.com was added"),
    (r"Error\w*\.message", "channel_id is required, must be a positive whole number"),
    (r".*\.code", "bad_input"),
    (r".*\.(email|user_email|sender_email|actor_email|created_by|invited_by)", "john@example.com"),
    (r".*\.(full_name|sender_name)", "John Doe"),
    (r".*\.username", "johndoe"),
    (r".*\.password", "securePassword123"),
    (r".*\.otp", "123456"),
    (r".*\.body", "Hello everyone!"),
    (r".*\.topic", "Company news"),
    (r".*\.summary", "John sent a message in #general"),
    (r".*\.client_msg_id", "7f9c24e8-3b12-4d1a"),
    (r".*\.ref", "a1"),
    (r".*\.role", "member"),
    (r"Health\.status", "success"),
    (r".*\.(status|presence)", "online"),
    (r".*\.(edited_at|deleted_at|read_at|revoked_at)", None),
    (r".*\.expires_at", "2025-01-22T10:30:00"),
    (r".*\.\w+_at", "2025-01-15T10:30:00"),
    (r".*\.since", "2025-01-15T00:00:00"),
    (r".*\.day", "2025-01-15"),
    (r".*\.device", "Firefox on Linux"),
    (r".*\.ip", "203.0.113.7"),
    (r".*\.(token|ticket)", "q5Zr0vXb3WcK1mYtJ8uHnA"),
    (r".*\.url", "https://chat.example.com/invite/q5Zr0vXb3WcK1mYtJ8uHnA"),
    (r".*\.prev_seq", 4),
    (r".*\.(seq|\w+_seq|message_id|ref_id)", 5),
    (r".*\.(unread_count|count|active_count|uses)", 3),
    (r".*\.expires_in", 30),
]
_PLAIN: dict[str, Any] = {"number": 1.5, "boolean": False, "string": "text", "null": None}


def example_of(schema: dict[str, Any], components: dict[str, Any], *, whole: bool, where: str = "") -> Any:
    """An example of `schema`. Not `whole`: of an object only what is required, unless that is nothing."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_PREFIX)
        return example_of(components[name], components, whole=whole, where=name)
    if schema.get("type") == "object" and "properties" in schema:
        return _object(schema, components, whole, where)
    if schema.get("type") == "array":
        items = schema.get("items")
        return [example_of(items, components, whole=whole, where=where)] if items else []
    if "enum" in schema:
        return schema.get("default", schema["enum"][0])
    choices = schema.get("anyOf") or schema.get("oneOf") or []
    known = _known(where, schema, choices)
    if known is not _NONE:
        return known
    if schema.get("default") is not None:
        return schema["default"]
    if choices:
        return example_of(choices[0], components, whole=whole, where=where)
    return max(1, schema.get("minimum", 1)) if schema.get("type") == "integer" else _PLAIN.get(schema.get("type", "null"))


def _object(schema: dict[str, Any], components: dict[str, Any], whole: bool, where: str) -> dict[str, Any]:
    properties: dict[str, Any] = schema.get("properties", {})
    required = schema.get("required", [])
    names = list(properties) if whole or not required else [name for name in properties if name in required]
    owner = where.rpartition(".")[2]
    return {name: example_of(properties[name], components, whole=whole, where=f"{owner}.{name}") for name in names}


def _known(where: str, schema: dict[str, Any], choices: list[dict[str, Any]]) -> Any:
    """What the vocabulary says of `where`, if it is of a type that the schema allows."""
    allowed = {choice.get("type") for choice in (schema, *choices)}
    for pattern, value in _BY_NAME:
        if re.fullmatch(pattern, where) and _type_of(value) in allowed:
            return value
    return _NONE


def _type_of(value: Any) -> str:
    return {str: "string", int: "integer", dict: "object"}.get(type(value), "null")
