"""Every test runs with the shapes and dtypes of the public API checked."""

from jaxtyping import install_import_hook

install_import_hook("poseterior", "beartype.beartype")
