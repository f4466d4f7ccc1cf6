"""The compared methods that are networks, by name; free of torch until one of them is built."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from poseterior.errors import ModelError

if TYPE_CHECKING:
    from poseterior.models.network_lifter import NetworkLifter


@dataclass(frozen=True)
class NetworkMethod:
    """Where a method's classes are."""

    module: str
    network: str
    """Subclass of `NetworkLifter`."""
    config: str
    """Frozen dataclass, whose defaults are the published sizes."""

    def network_class(self) -> type[NetworkLifter]:
        """The network's class; imports torch."""
        return getattr(importlib.import_module(self.module), self.network)

    def config_class(self) -> type[Any]:
        """The config's class; imports torch."""
        return getattr(importlib.import_module(self.module), self.config)


NETWORK_METHODS = {
    "martinez2017": NetworkMethod("poseterior.models.martinez", "Martinez2017", "MartinezConfig"),
    "li2019-mdn": NetworkMethod("poseterior.models.mdn", "MDN", "MDNConfig"),
    "li2020": NetworkMethod("poseterior.models.li2020", "Li2020", "Li2020Config"),
    "graphmdn": NetworkMethod("poseterior.models.graphmdn", "GraphMDN", "GraphMDNConfig"),
    "cvae": NetworkMethod("poseterior.models.cvae", "CVAE", "CVAEConfig"),
    "flow_matching": NetworkMethod("poseterior.models.flow_matching", "FlowMatching", "FlowMatchingConfig"),
    "spline_flow": NetworkMethod("poseterior.models.spline_flow", "SplineFlow", "SplineFlowConfig"),
}
"""By `NetworkLifter.method`."""


def network_method(name: str) -> NetworkMethod:
    """The method of that name.

    Raises:
        ModelError: there is none.
    """
    if name not in NETWORK_METHODS:
        raise ModelError(f"there is no method {name}; expected one of {', '.join(NETWORK_METHODS)}")
    return NETWORK_METHODS[name]


def build_network(name: str, config: Any = None) -> NetworkLifter:
    """A new network of the method, with random weights; `config` None takes the published sizes.

    Raises:
        ModelError: there is no such method, or it needs an optional package that is missing.
    """
    method = network_method(name)
    return method.network_class()(method.config_class()() if config is None else config)
