"""The OpenAPI document as a page for people: no scripts, no inline styles, nothing from elsewhere; `<details>` folds."""

import json
from collections.abc import Iterator
from typing import Any

from pluseboard.components import PREFIX
from pluseboard.markup import Markup, el, inline, join, prose

Json = dict[str, Any]
BASE_URL = "http://localhost:8000"
MAX_DEPTH = 4


def render(document: Json) -> str:
    """The whole page."""
    return Page(document).html()


class Page:
    def __init__(self, document: Json) -> None:
        self.document = document
        self.schemas: Json = document["components"]["schemas"]
        self.operations = [(path, method, op) for path, methods in document["paths"].items() for method, op in methods.items()]

    def html(self) -> str:
        info = self.document["info"]
        title = f"{info['title']} API"
        head = el(
            "head",
            el("meta", charset="utf-8"),
            el("title", title),
            el("meta", name="viewport", content="width=device-width, initial-scale=1"),
            el("meta", name="color-scheme", content="light dark"),
            el("link", rel="stylesheet", href="/api/docs.css"),
        )
        about = el("section", prose(info["description"]), class_="about", id="about")
        tags = [self._tag(tag) for tag in self.document["tags"]]
        header = el(
            "header",
            el("h1", title),
            el("p", f"Version {info['version']} · ", el("a", "openapi.json", href="/api/openapi.json"), class_="quiet"),
        )
        main = el("main", header, about, *tags, self._sockets(), id="content")
        skip = el("a", "Skip to the content", href="#content", class_="skip")
        body = el("body", skip, el("div", self._navigation(title), main, class_="page"))
        return f"<!doctype html>\n{el('html', head, body, lang='en')}\n"

    def _navigation(self, title: str) -> Markup:
        names = [tag["name"] for tag in self.document["tags"]]
        links = [("about", "About"), *((f"tag-{name}", _heading(name)) for name in names)]
        if "x-websockets" in self.document:
            links.append(("sockets", "WebSockets"))
        items = [el("li", el("a", words, href=f"#{target}")) for target, words in links]
        return el("nav", el("a", title, href="#content", class_="home"), el("ul", *items), aria_label="Contents")

    def _tag(self, tag: Json) -> Markup:
        name = tag["name"]
        operations = [self._operation(*operation) for operation in self.operations if name in operation[2]["tags"]]
        heading, words = _heading(name), tag["description"]
        said = prose(words) if words.rstrip(".") != heading else ""
        return el("section", el("h2", heading), said, *operations, id=f"tag-{name}", class_="tag")

    def _operation(self, path: str, method: str, operation: Json) -> Markup:
        summary = el(
            "summary",
            el("span", method.upper(), class_=f"method {method}"),
            el("h3", _path(path)),
            el("span", inline(operation["summary"]), class_="said"),
        )
        anchor = operation["operationId"]
        who = "Open to everyone" if operation.get("security") == [] else "Needs a signed-in user"
        facts = el(
            "div",
            prose(operation.get("description", "")),
            el("p", f"{who} · ", el("a", f"#{anchor}", href=f"#{anchor}"), class_="quiet small"),
            self._parameters(operation.get("parameters", [])),
            self._request(operation),
            self._success(operation),
            self._failures(operation),
            class_="facts",
        )
        examples = el("div", *self._examples(path, method, operation), class_="examples")
        inside = el("div", facts, examples, class_="inside", id=anchor)
        return el("details", summary, inside, class_="operation")

    def _parameters(self, parameters: list[Json]) -> Markup:
        def rows(where: str) -> list[Field]:
            chosen = [one for one in parameters if one["in"] == where]
            return [Field(one["name"], {**one["schema"], "description": one["description"]}, one["required"]) for one in chosen]

        return join(
            *(
                join(el("h4", f"In the {where}"), _table(fields, asked=True))
                for where in ("path", "query")
                if (fields := rows(where))
            )
        )

    def _request(self, operation: Json) -> Markup:
        if "requestBody" not in operation:
            return Markup()
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        return join(el("h4", "Request body"), self._said_of(schema), _table(self._fields(schema), asked=True))

    def _success(self, operation: Json) -> Markup:
        status, response = next(iter(operation["responses"].items()))
        heading = el("h4", f"Answer {status} ", el("span", response["description"], class_="quiet"))
        content = response.get("content", {})
        if schema := content.get("application/json", {}).get("schema"):
            return join(heading, self._said_of(schema), _table(self._fields(schema), asked=False))
        return join(heading, el("p", f"Of type {next(iter(content))}." if content else "Without a body.", class_="quiet small"))

    def _said_of(self, schema: Json) -> Markup:
        words = self._resolve(schema).get("description", "")
        return el("div", prose(words), class_="quiet small") if words else Markup()

    def _failures(self, operation: Json) -> Markup:
        responses = list(operation["responses"].items())[1:]
        rows: list[str] = []
        for status, ref in responses:
            response = self.document["components"]["responses"][ref["$ref"].rpartition("/")[2]]
            code = response["content"]["application/json"]["example"]["code"]
            rows += [el("dt", status, " ", el("code", code)), el("dd", inline(response["description"]))]
        statuses = ", ".join(status for status, _ in responses)
        return el("details", el("summary", f"Errors: {statuses}"), el("dl", *rows, class_="errors"), class_="fold")

    def _examples(self, path: str, method: str, operation: Json) -> Iterator[Markup]:
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
        if body is not None:
            yield _code("Request", _pretty(body))
        yield _code("With curl", _curl(path, method, operation, body))
        status, response = next(iter(operation["responses"].items()))
        if "example" in (content := response.get("content", {}).get("application/json", {})):
            yield _code(f"Answer {status}", _pretty(content["example"]))

    def _sockets(self) -> Markup:
        sockets = self.document.get("x-websockets")
        if not sockets:
            return Markup()
        parts = [self._socket(socket) for socket in sockets["paths"]]
        return el("section", el("h2", "WebSockets"), prose(sockets["description"]), *parts, id="sockets", class_="tag")

    def _socket(self, socket: Json) -> Markup:
        summary = el(
            "summary",
            el("span", "WS", class_="method ws"),
            el("h3", _path(socket["path"])),
            el("span", inline(socket["summary"]), class_="said"),
        )
        anchor = socket["path"].strip("/").replace("/", "-")
        sections = [
            join(el("h4", words), *(self._frame(frame, asked) for frame in socket[side]))
            for side, words, asked in (("client", "You send", True), ("server", "You receive", False))
            if socket[side]
        ]
        return el("details", summary, el("div", *sections, class_="inside frames", id=anchor), class_="operation")

    def _frame(self, frame: Json, asked: bool) -> Markup:
        schema = self._resolve(frame["schema"])
        facts = el(
            "div",
            el("h5", el("code", str(frame["example"].get("type", "")))),
            prose(schema.get("description", "")),
            _table([field for field in self._fields(schema) if field.name != "type"], asked),
            class_="facts",
        )
        return el("div", facts, el("div", _code("", _pretty(frame["example"])), class_="examples"), class_="frame")

    def _resolve(self, schema: Json) -> Json:
        return self.schemas[schema["$ref"].removeprefix(PREFIX)] if "$ref" in schema else schema

    def _fields(self, schema: Json, prefix: str = "", depth: int = 0) -> list["Field"]:
        """The fields of an object and, below each, those of the objects inside: `data[].id`."""
        found: list[Field] = []
        for alternative in _alternatives(self._resolve(schema)):
            struct = self._resolve(alternative)
            for name, inner in struct.get("properties", {}).items():
                below: list[Field] = []
                said = ""
                for choice in _alternatives(inner):
                    is_list = choice.get("type") == "array"
                    if depth < MAX_DEPTH and "$ref" in (target := choice.get("items", {}) if is_list else choice):
                        said = self._resolve(target).get("description", "")
                        below += self._fields(target, f"{prefix}{name}{'[]' if is_list else ''}.", depth + 1)
                found += [
                    Field(prefix + name, {"description": said, **inner} if said else inner, name in struct.get("required", ())),
                    *below,
                ]
        return list({field.name: field for field in found}.values())


class Field:
    """One row of a table of fields."""

    def __init__(self, name: str, schema: Json, required: bool) -> None:
        self.name = name
        self.type = _type(schema)
        self.required = required
        default = f"; {json.dumps(schema['default'])} if left out" if schema.get("default") is not None else ""
        self.words = _description(schema) + default

    def row(self, asked: bool, wide: bool) -> Markup:
        *parents, last = self.name.rpartition(".")
        name = el("code", el("span", "".join(parents), class_="quiet"), last)
        mark = el("span", "required", class_="required") if asked and self.required else ""
        optional = el("span", "optional", class_="quiet") if not self.required else ""
        cells = [el("th", name, " ", mark or optional, scope="row"), el("td", self.type, class_="type")]
        return el("tr", *cells, *([el("td", inline(self.words.lstrip("; ")))] if wide else []))


def _table(fields: list[Field], asked: bool) -> Markup:
    if not fields:
        return Markup()
    wide = any(field.words for field in fields)
    heads = ["Field", "Type", *(["Must be" if asked else "Meaning"] if wide else [])]
    head = el("thead", el("tr", *(el("th", words, scope="col") for words in heads)))
    return el("table", head, el("tbody", *(field.row(asked, wide) for field in fields)))


def _alternatives(schema: Json) -> list[Json]:
    return list(schema.get("anyOf") or schema.get("oneOf") or [schema])


def _type(schema: Json) -> str:
    if "$ref" in schema:
        return "object"
    if "enum" in schema:
        return " or ".join(json.dumps(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}s"
    if "type" in schema:
        return str(schema["type"])
    return " or ".join(dict.fromkeys(_type(choice) for choice in _alternatives(schema) if choice != schema)) or "anything"


def _description(schema: Json) -> str:
    return str(next((one["description"] for one in (schema, *_alternatives(schema)) if "description" in one), ""))


def _heading(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _path(path: str) -> Markup:
    """A path that may break after each slash."""
    return el("code", *(join(part, Markup("<wbr>")) for part in path.replace("/", "/\n").split("\n")))


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _code(title: str, text: str) -> Markup:
    return el("figure", el("figcaption", title) if title else "", el("pre", el("code", text)))


def _curl(path: str, method: str, operation: Json, body: Any) -> str:
    """A line to paste; the cookie jar is there for whoever signs in and whoever is signed in."""
    url = BASE_URL + path
    values = {one["name"]: "1" if one["schema"].get("type") == "integer" else "TOKEN" for one in operation.get("parameters", [])}
    for name, value in values.items():
        url = url.replace(f"{{{name}}}", value)
    asked = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query" and one["required"]]
    if asked:
        url = f"'{url}?{'&'.join(f'{name}={values[name]}' for name in asked)}'"
    is_implied = method == "get" or (method == "post" and body is not None)
    lines = [f"curl {url}" if is_implied else f"curl -X {method.upper()} {url}"]
    if operation.get("security") != [] or method != "get":
        lines.append("-b jar -c jar")
    if body is not None:
        quoted = json.dumps(body, ensure_ascii=False).replace("'", "'\\''")
        lines += ["-H 'Content-Type: application/json'", f"-d '{quoted}'"]
    return " \\\n  ".join(lines)
