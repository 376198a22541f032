"""Python types -> the schemas under `components` of the OpenAPI document, as msgspec makes them, with readable names."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, get_origin

import msgspec

Json = dict[str, Any]
PREFIX = "#/components/schemas/"


class Components:
    """The schemas of what clients send (`asked`) and of what they get (`answered`)."""

    def __init__(self, asked: Iterable[Any], answered: Iterable[Any]) -> None:
        asked, answered = list(dict.fromkeys(asked)), list(dict.fromkeys(answered))
        kinds = list(dict.fromkeys([*asked, *answered]))
        schemas, components = msgspec.json.schema_components(kinds, ref_template=f"{PREFIX}{{name}}")
        names = _readable(components)
        self._schemas: dict[Any, Json] = {kind: _renamed(schema, names) for kind, schema in zip(kinds, schemas, strict=True)}
        self.schemas: dict[str, Json] = {names[name]: _renamed(schema, names) for name, schema in components.items()}
        for schema in self.schemas.values():
            schema.pop("title", None)
        sent = self._reachable([self._schemas[kind] for kind in asked])
        # A struct with omit_defaults leaves fields out of its answers too.
        sent |= {self._name(kind) for kind in answered if _omits_defaults(kind)}
        for name in self._reachable([self._schemas[kind] for kind in answered]) - sent:
            _as_answer(self.schemas[name])

    def of(self, kind: Any) -> Json:
        return self._schemas[kind]

    def resolve(self, schema: Json) -> Json:
        """What `$ref` leads to, or the schema itself."""
        return self.schemas[schema["$ref"].removeprefix(PREFIX)] if "$ref" in schema else schema

    def used_in(self, *parts: Any) -> dict[str, Json]:
        """The schemas that these parts of the document mention, and those mentioned by them, by name."""
        return {name: self.schemas[name] for name in sorted(self._reachable(parts))}

    def _name(self, kind: Any) -> str:
        return str(self._schemas[kind].get("$ref", "")).removeprefix(PREFIX)

    def _reachable(self, parts: Iterable[Any]) -> set[str]:
        found: set[str] = set()
        new = set(_mentioned(list(parts)))
        while new:
            found |= new
            new = set(_mentioned([self.schemas[name] for name in new])) - found
        return found


def _mentioned(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(ref := part.get("$ref"), str) and ref.startswith(PREFIX):
            yield ref.removeprefix(PREFIX)
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from _mentioned(inner)


def _readable(components: dict[str, Json]) -> dict[str, str]:
    """msgspec's name -> ours: `Data[list[pluseboard.schemas.Workspace]]` becomes WorkspaceListData."""
    ours: dict[str, str] = {}
    for name, schema in components.items():
        title = schema.get("title", name)
        # Of two classes of one name, msgspec's component name tells the module: pluseboard.realtime.events.Typing.
        words = re.findall(r"[\w.]+", title if "[" in title else name)[::-1]
        short = _joined(word.rpartition(".")[2] for word in words)
        ours[name] = short if short not in ours.values() else _joined(part for word in words for part in word.split(".")[-2:])
    return ours


def _joined(words: Iterable[str]) -> str:
    return "".join(word[0].upper() + word[1:] for word in words)


def _renamed(schema: Any, names: dict[str, str]) -> Any:
    if isinstance(schema, list):
        return [_renamed(inner, names) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(ref := schema.get("$ref"), str):
        return {**schema, "$ref": PREFIX + names[ref.removeprefix(PREFIX)]}
    return {key: _renamed(inner, names) for key, inner in schema.items()}


def _omits_defaults(kind: Any) -> bool:
    config = getattr(get_origin(kind) or kind, "__struct_config__", None)
    return config is not None and config.omit_defaults


def _as_answer(schema: Json) -> None:
    """A default is for whoever sends; an answer has the field always. And the conventions that hold for every answer."""
    properties: dict[str, Json] = schema.get("properties", {})
    required = schema.get("required", [])
    schema["required"] = [name for name, inner in properties.items() if name in required or "default" in inner]
    for name, inner in properties.items():
        inner.pop("default", None)
        if name.endswith("_at") and "description" not in inner:
            inner["description"] = "UTC, such as 2025-01-15T10:30:00"
        if name.startswith("is_") and inner.get("type") == "integer":
            inner["enum"] = [0, 1]
