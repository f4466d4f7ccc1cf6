"""A method's config as JSON and back, checked field by field."""

from __future__ import annotations

from dataclasses import asdict, fields
from math import isfinite
from typing import Any, Literal, get_args, get_origin, get_type_hints

from poseterior.errors import ModelError


def config_as_json(config: Any) -> dict[str, Any]:
    """The fields as JSON gives them back."""
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in asdict(config).items()
    }


def config_from_json(kind: type[Any], content: dict[str, Any], where: str) -> Any:
    """The config of class `kind`; `where` is named in errors.

    Raises:
        ModelError: a field is missing, unknown, of the wrong type, or a number is negative or not finite.
    """
    names = {entry.name for entry in fields(kind)}
    if content.keys() != names:
        odd = ", ".join(sorted(content.keys() ^ names))
        raise ModelError(f"{where}: field config lacks or has unexpected entries: {odd}")
    hints = get_type_hints(kind)
    return kind(
        **{name: _value(value, hints[name], f"{where}: config.{name}") for name, value in content.items()}
    )


def _value(value: Any, hint: Any, where: str) -> Any:
    if get_origin(hint) is tuple:
        entries = get_args(hint)
        if not isinstance(value, list) or not value:
            raise ModelError(f"{where} is {value!r}; expected a list that is not empty")
        kinds = [entries[0]] * len(value) if entries[-1] is Ellipsis else list(entries)
        if len(kinds) != len(value):
            raise ModelError(f"{where} is {value!r}; expected {len(kinds)} entries")
        return tuple(_value(entry, kind, where) for entry, kind in zip(value, kinds, strict=True))
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ModelError(f"{where} is {value!r}; expected one of {', '.join(map(str, get_args(hint)))}")
        return value
    if hint is float and type(value) in (int, float) and isfinite(value) and value >= 0:
        return float(value)
    if hint is int and type(value) is int and value >= 0:
        return value
    if hint in (str, bool) and type(value) is hint:
        return value
    raise ModelError(f"{where} is {value!r}; expected a {hint.__name__} that is not negative")
