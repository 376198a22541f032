"""HTML that is escaped by construction: `el("p", "a < b", class_="note")`. Text is escaped, Markup is not."""

from html import escape

VOID = ("meta", "link", "br")


class Markup(str):
    """Finished HTML."""

    __slots__ = ()


def el(name: str, /, *children: str, **attributes: str | bool) -> Markup:
    """An element. `class_` and `for_` lose their underscore, others become hyphens; True is an attribute without a value."""
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*parts: str) -> Markup:
    return Markup("".join(part if isinstance(part, Markup) else escape(part, quote=False) for part in parts))


def prose(text: str) -> Markup:
    """The little Markdown that docstrings use: paragraphs (all code: a block of it), `code`, ### headings, - lists."""
    return join(*(_block(block.strip()) for block in text.split("\n\n") if block.strip()))


def inline(text: str) -> Markup:
    """A line in which `code` is set as code."""
    return join(*(el("code", part) if index % 2 else part for index, part in enumerate(text.split("`"))))


def _block(text: str) -> Markup:
    if text.startswith("### "):
        return el("h3", text.removeprefix("### "))
    if text.startswith("- "):
        return el("ul", *(el("li", inline(item)) for item in text.removeprefix("- ").split("\n- ")))
    if text.startswith("`") and text.endswith("`") and text.count("`") == 2:
        return el("pre", el("code", text.strip("`")))
    return el("p", inline(text))


def _attribute(key: str, value: str | bool) -> str:
    if value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
