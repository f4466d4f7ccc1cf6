"""A digest of the code that decides what samples hold: a set goes on only with the code that began it."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[2]
_PATTERNS = (
    "data/bvh*.py",
    "data/motion*.py",
    "data/walk_cycle.py",
    "data/pose_library/*.py",
    "data/simulated/body_shape.py",
    "data/simulated/poses.py",
    "data/synthesis/*.py",
    "detect/blazepose.py",
    "detect/boxes.py",
    "detect/crop.py",
    "detect/top_down.py",
    "heatmaps/derive.py",
    "heatmaps/fit.py",
)
_STORAGE = {
    "archive",
    "cluster",
    "dataset",
    "execute",
    "folder",
    "generate",
    "interrupts",
    "maker",
    "manifest",
    "pairs",
    "progress",
    "shards",
    "statistics",
    "workers",
}
"""Modules of data/synthesis that store and read samples, but do not make them."""


def code_digest() -> str:
    """SHA-256 of the syntax trees, without docstrings: comments and line breaks do not count."""
    sha = hashlib.sha256()
    for pattern in _PATTERNS:
        for path in sorted(_PACKAGE.glob(pattern)):
            if path.parent.name == "synthesis" and path.stem in _STORAGE:
                continue
            sha.update(path.relative_to(_PACKAGE).as_posix().encode())
            sha.update(_code(path.read_text(encoding="utf-8")).encode())
    return sha.hexdigest()


def _code(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [entry for entry in body if not _is_text(entry)]  # pyright: ignore[reportAttributeAccessIssue]
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
