"""See `flow.bundle_folder`."""

from __future__ import annotations

from poseterior.flow.bundle_folder import check_files, checksums, write_folder

__all__ = ["check_files", "checksums", "write_folder"]
