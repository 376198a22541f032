"""Bytes or query strings from a client -> a checked struct, or a BadInput that names the field and says what is right."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from pluseboard.errors import BadInput

T = TypeVar("T")

_WORDS = {"str": "a string", "int": "a whole number", "bool": "true or false", "array": "a list", "object": "an object"}


class _Typed(Struct):
    type: str


_require_type = msgspec.json.Decoder(_Typed).decode  # which msgspec itself does for unions alone


class JsonDecoder(Generic[T]):
    """Decodes JSON into `kind`: a struct, or a union of structs tagged by "type"."""

    def __init__(self, kind: Any) -> None:
        self._decode = msgspec.json.Decoder(kind).decode
        self._kinds: tuple[type, ...] = get_args(kind) or (kind,)
        self._is_lone_frame = len(self._kinds) == 1 and bool(_tags(self._kinds)[0])

    def decode(self, raw: bytes | str) -> T:
        """Raises BadInput. Unknown fields are ignored."""
        try:
            value: T = self._decode(raw)
            if self._is_lone_frame:
                _require_type(raw)
        except msgspec.ValidationError as error:
            raise BadInput(_explain(str(error), self._kinds)) from None
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            raise BadInput("The body must be well-formed JSON in UTF-8") from None
        # An escaped NUL is valid JSON, but no text of ours: MySQL clients and terminals cut strings at it.
        nul = "\\u0000" in raw if isinstance(raw, str) else b"\\u0000" in raw
        if nul:
            _refuse_nul(value)
        return value


class QueryDecoder(Generic[T]):
    """Converts the strings of a query into the struct `kind`."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind

    def decode(self, query: Mapping[str, str]) -> T:
        try:
            return msgspec.convert(dict(query), self._kind, strict=False)
        except msgspec.ValidationError as error:
            raise BadInput(_explain(str(error), (self._kind,))) from None


def _refuse_nul(value: Any) -> None:
    for name, text in msgspec.structs.asdict(value).items():
        if isinstance(text, str) and "\0" in text:
            raise BadInput(f"{name} must not contain the character NUL")


def _explain(message: str, kinds: tuple[type, ...]) -> str:
    """msgspec's message ("Expected `int`, got `str` - at `$.channel_id`") in the words of a field's description."""
    if missing := re.match(r"Object missing required field `(\w+)`", message):
        return f"{missing[1]} is required" + _must_be(missing[1], kinds)
    if "`$.type`" in message:
        return f"type must be one of {', '.join(sorted(_tags(kinds)))}"
    if at := re.search(r" - at `\$\.(\w+)", message):
        must_be = _must_be(at[1], kinds)
        return f"{at[1]}{must_be[1:]}" if must_be else f"{at[1]} is wrong: {_plain(message)}"
    return f"The body is wrong: {_plain(message)}"


def _plain(message: str) -> str:
    message = re.sub(r" - at `.*", "", message)
    message = re.sub(r"`(\w+)`", lambda word: _WORDS.get(word[1], word[1]), message)
    return message[0].lower() + message[1:]


def _must_be(field: str, kinds: tuple[type, ...]) -> str:
    for kind in kinds:
        if description := _description(get_type_hints(kind, include_extras=True).get(field)):
            return f", must be {description}"
    return ""


def _description(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        return next((meta.description for meta in hint.__metadata__ if isinstance(meta, Meta) and meta.description), "")
    # A union such as `Email | None` or `Email | UnsetType`: the first described member speaks.
    return next((found for part in get_args(hint) if (found := _description(part))), "")


def _tags(kinds: tuple[type, ...]) -> list[str]:
    return [getattr(kind, "__struct_config__").tag or "" for kind in kinds]  # noqa: B009
