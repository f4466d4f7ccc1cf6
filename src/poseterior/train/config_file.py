"""Configurations as TOML: one table for each section, keys as the fields are named."""

from __future__ import annotations

import difflib
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from poseterior.errors import InputError
from poseterior.train.config import TrainConfig, check_config
from poseterior.train.presets import PRESETS

Section = TypeVar("Section")


def read_config(path: Path) -> TrainConfig:
    """The configuration in `path`; what it does not name is as in its `preset`, else as the defaults are.

    Raises:
        InputError: the file cannot be read, is not TOML, has an unknown key, or a value that cannot be used.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the configuration {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"the configuration {path} is not TOML: {error}") from None
    preset = content.pop("preset", None)
    if preset is not None and not (isinstance(preset, str) and preset in PRESETS):
        raise InputError(f"{path}: preset is {preset!r}; expected one of {', '.join(PRESETS)}")
    base = PRESETS[preset]() if preset is not None else TrainConfig()
    try:
        config = _changed(base, content, prefix="")
        check_config(config)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return config


def toml_of(config: TrainConfig) -> str:
    """The whole configuration; `read_config` gives the same one back. Fields that are None are left out."""
    plain, tables = [], []
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value):
            tables += ["", f"[{field.name}]", *_lines(vars(value))]
        else:
            plain += _lines({field.name: value})
    return "\n".join([*plain, *tables]) + "\n"


def _lines(values: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_toml_value(value)}" for key, value in values.items() if value is not None]


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, tuple):
        return f"[{', '.join(_toml_value(item) for item in value)}]"
    # a JSON string is a TOML basic string, but for DEL, which only TOML wants escaped
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007F")


def _changed(section: Section, content: Mapping[str, Any], prefix: str) -> Section:
    """The section with the values of `content`, each checked against its field's type."""
    hints = get_type_hints(type(section))
    changes: dict[str, Any] = {}
    for key, value in content.items():
        if key not in hints:
            close = difflib.get_close_matches(key, hints, n=1)
            meant = f"; did you mean {prefix}{close[0]}?" if close else f"; expected {', '.join(hints)}"
            raise InputError(f"unknown key {prefix}{key}{meant}")
        current = getattr(section, key)
        if is_dataclass(current):
            if not isinstance(value, dict):
                raise InputError(f"{prefix}{key} is {value!r}; expected a table [{prefix}{key}]")
            changes[key] = _changed(current, value, f"{prefix}{key}.")
        else:
            changes[key] = _converted(value, hints[key], f"{prefix}{key}")
    return replace(section, **changes)  # type: ignore[type-var]


_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a path as text",
}


def _converted(value: Any, wanted: Any, key: str) -> Any:
    """The TOML value as the field's type; raises InputError where it is of another one."""
    origin = get_origin(wanted)
    if origin in (Union, UnionType):
        (wanted,) = (kind for kind in get_args(wanted) if kind is not type(None))
        return _converted(value, wanted, key)
    if origin is Literal:
        if value not in get_args(wanted):
            choices = ", ".join(map(str, get_args(wanted)))
            raise InputError(f"{key} is {value!r}; expected one of {choices}")
        return value
    if origin is tuple:
        return _converted_list(value, get_args(wanted), key)
    number = float(value) if wanted is float and type(value) is int else value
    if wanted is Path and isinstance(value, str):
        return Path(value)
    if type(number) is not wanted or (wanted is float and not math.isfinite(number)):
        raise InputError(f"{key} is {value!r}; expected {_WORDS[wanted]}")
    return number


def _converted_list(value: Any, kinds: tuple[Any, ...], key: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise InputError(f"{key} is {value!r}; expected a list")
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(value) != len(kinds):
        raise InputError(f"{key} has {len(value)} values; expected {len(kinds)}")
    return tuple(_converted(item, kind, key) for item, kind in zip(value, kinds, strict=True))
