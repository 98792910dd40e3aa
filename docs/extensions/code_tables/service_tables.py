"""The service: its settings, its endpoints as its own OpenAPI document has them, and its problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, Final

from code_tables.commands import ROOT, parser_of
from code_tables.markdown import code, docstring, plain, table

_BUNDLE: Final = ROOT / "tests" / "bundles" / "0.1.0" / "bundle"  # any detector will do: only the interface is shown

_EVERYWHERE: Final = {  # what the interface's own description leaves out: it is said of no single endpoint
    401: "No valid key was sent; where the service has keys.",
    403: "The key's role may not ask for this; where the service has keys.",
    429: "More requests than the key may send: send it again after Retry-After seconds.",
    404: "There is no such address.",
    405: "The address does not take this method; Allow says which it takes.",
    500: "An error of the service's own; its log says more.",
}


def settings_table() -> str:
    """Return each setting with its variable, flag, default and limits."""
    from service.settings import Settings

    flags = {action.dest: action.option_strings[0] for action in parser_of("service")._actions if action.option_strings}
    prefix = Settings.model_config["env_prefix"]
    rows = []
    for name, field in Settings.model_fields.items():
        limits = ", ".join(_limit(one) for one in field.metadata if _limit(one))
        rows.append(
            [
                code(f"{prefix}{name.upper()}"),
                code(flags[name]) if name in flags else "–",
                "–" if field.default is None else code(str(field.default).lower()),
                plain(f"{field.description}{f' ({limits})' if limits else ''}"),
            ]
        )
    return table(["variable", "flag", "default", "meaning"], rows)


def endpoints() -> str:
    """Return a section for each endpoint: parameters, bodies, answers."""
    return "\n".join(_endpoint(path, method, operation) for path, method, operation in operations())


def endpoints_table() -> str:
    """Return one line an endpoint."""
    rows = [
        [f"[`{method} {path}`](#{_anchor(method, path)})", plain(operation.get("description") or operation["summary"])]
        for path, method, operation in operations()
    ]
    return table(["endpoint", "what it does"], rows)


def http_formats_table() -> str:
    """Return each format of bodies and answers with its content types and charsets."""
    from service.formats.formats import FORMATS

    rows = [
        [
            plain(row.summary),
            "<br>".join(code(kind) for kind in row.types),
            ", ".join(code(charset) for charset in row.charsets) or "–",
        ]
        for row in FORMATS.values()
    ]
    return table(["format", "content types", "charsets of bodies"], rows)


def answers() -> str:
    """Return a table of fields for each object that the service answers."""
    parts = []
    for name, schema in openapi()["components"]["schemas"].items():
        if not schema.get("properties"):
            continue
        required = schema.get("required", [])
        rows = [
            [code(field), _type(one), "yes" if field in required else "no", plain(one.get("description", ""))]
            for field, one in schema["properties"].items()
        ]
        parts += [f"(answer-{name})=", f"## `{name}`", "", docstring(schema.get("description")), ""]
        parts.append(table(["field", "type", "always there", "meaning"], rows))
    return "\n".join(parts)


def problems_table() -> str:
    """Return each status of a problem, and where the interface says that it can come."""
    from service.web.problems import TITLES

    where: dict[int, list[str]] = {}
    meaning: dict[int, str] = {}
    for path, method, operation in operations():
        for status, answer in operation["responses"].items():
            if status >= "400":
                where.setdefault(int(status), []).append(code(f"{method} {path}"))
                said = answer["description"].rpartition(": ")[2]
                meaning[int(status)] = max(meaning.get(int(status), ""), said, key=len)
    for status, said in _EVERYWHERE.items():
        where.setdefault(status, ["everywhere"])
        meaning.setdefault(status, said)
    rows = [
        [f"{code(status)} {TITLES.get(status, HTTPStatus(status).phrase)}", plain(meaning[status]), ", ".join(places)]
        for status, places in sorted(where.items())
    ]
    return table(["status", "meaning", "where"], rows)


@cache
def openapi() -> Mapping[str, Any]:
    """Return the service's own description of its interface."""
    from service.app import create_app, load_settings
    from service.registry import Registry

    document: Mapping[str, Any] = create_app(Registry.open(_BUNDLE), load_settings()).openapi()
    return document


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return path, method and description of each endpoint."""
    for path, methods in openapi()["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _anchor(method: str, path: str) -> str:
    return f"{method.lower()}{path.replace('/', '-').replace('{', '').replace('}', '')}"


def _endpoint(path: str, method: str, operation: Mapping[str, Any]) -> str:
    parts = [f"({_anchor(method, path)})=", f"## `{method} {path}`", ""]
    parts += [plain(operation.get("description") or operation["summary"]), ""]
    if parameters := operation.get("parameters"):
        rows = [
            [code(one["name"]), one["in"], _type(one["schema"]), _default(one["schema"]), plain(_said(one))]
            for one in parameters
        ]
        parts.append(table(["parameter", "in", "type", "default", "meaning"], rows))
    if body := operation.get("requestBody"):
        parts += [f"Bodies it takes: {', '.join(code(kind) for kind in body['content'])}.", ""]
    rows = []
    for status, answer in operation["responses"].items():
        kinds = [f"{code(kind)} {_shape(one)}".strip() for kind, one in answer.get("content", {}).items()]
        rows.append([code(status), "<br>".join(kinds) or "–", plain(answer["description"])])
    parts.append(table(["status", "answer", "meaning"], rows))
    return "\n".join(parts)


def _shape(content: Mapping[str, Any]) -> str:
    """Name the object that is answered; other forms have the same in rows and columns."""
    return _type(content["schema"]) if "$ref" in content.get("schema", {}) else ""


def _said(parameter: Mapping[str, Any]) -> str:
    said: str = parameter.get("description") or parameter["schema"].get("description") or ""
    return said


def _default(schema: Mapping[str, Any]) -> str:
    return code(schema["default"]) if schema.get("default") is not None else "–"


def _type(schema: Mapping[str, Any]) -> str:
    """Say in words what a JSON schema takes."""
    if ref := schema.get("$ref"):
        name = ref.rsplit("/", 1)[1]
        has_fields = openapi()["components"]["schemas"][name].get("properties")
        return f"[{code(name)}](#answer-{name})" if has_fields else code(name)
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(_type(option) for option in options)
    if "enum" in schema:
        return " or ".join(code(value) for value in schema["enum"])
    kind = schema.get("type", "any value")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    limits = [f"{sign} {schema[key]:,}" for key, sign in (("minimum", "from"), ("maximum", "to")) if key in schema]
    return plain(" ".join([words, *limits]))


def _limit(constraint: object) -> str:
    names = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    return " and ".join(
        f"{word} {getattr(constraint, key):,}" for key, word in names.items() if hasattr(constraint, key)
    )
