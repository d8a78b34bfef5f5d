"""Python's own objects as the text that the program's loader reads."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from typing import Any

from ._errors import ScenarioError


def flow(value: Any, key: str = "") -> str:
    """Write a value as YAML in one line.

    Args:
        value: mappings, lists, texts, numbers, NumPy's too, paths, booleans and None.
        key: where it stands, for messages.

    Raises:
        ScenarioError: where something else is in it.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _number(float(value))
    if isinstance(value, str):
        return _UNPRINTED.sub(_escaped, json.dumps(value, ensure_ascii=False))
    if isinstance(value, os.PathLike):
        return flow(os.fspath(value), key)
    if isinstance(value, Mapping):
        entries = (f"{flow(str(k))}: {flow(v, below(key, str(k)))}" for k, v in value.items())
        return "{" + ", ".join(entries) + "}"
    # Arrays, and scalars of NumPy.
    if hasattr(value, "tolist"):
        return flow(value.tolist(), key)
    if isinstance(value, (list, tuple, range)):
        entries = (flow(v, below(key, str(i))) for i, v in enumerate(value))
        return "[" + ", ".join(entries) + "]"
    kind = type(value).__name__
    help = "give mappings, lists, numbers and texts; arrays of samples go into mf.Data"
    raise ScenarioError(f"{key}: a scenario cannot hold a {kind}\n  help: {help}", key or None, help)


#: What YAML refuses or folds where it is not escaped.
_UNPRINTED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def below(key: str, name: str) -> str:
    """Dotted path of a key below another one."""
    return f"{key}.{name}" if key else name


def _number(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    return repr(value)
