"""Device, precision and processes of a run, by Lightning Fabric (torch)."""

from __future__ import annotations

import logging
import os
import warnings

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from poseterior.errors import InputError
from poseterior.train.config import DeviceConfig
from poseterior.train.objective.share import ALONE, Share


def launch_fabric(config: DeviceConfig) -> Fabric:
    """Fabric, launched: one process, or those that torchrun started.

    Raises:
        InputError: the accelerator is not there.
    """
    # its news about devices are no news to somebody who watches a progress bar
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="lightning_fabric")
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_WORLD_SIZE", world_size))
    if config.num_threads:
        torch.set_num_threads(config.num_threads)
    torch.set_float32_matmul_precision(config.matmul_precision)
    accelerator = config.accelerator
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        fabric = Fabric(
            accelerator=accelerator,
            devices=local,
            num_nodes=world_size // local,
            strategy="ddp" if world_size > 1 else "auto",
            precision=config.precision,
        )
    except (RuntimeError, ValueError):
        raise InputError(
            f"device.accelerator is {config.accelerator}, which cannot be used here for {local} process(es); "
            "expected auto, or cpu"
        ) from None
    fabric.launch()
    return fabric


def average_gradients(fabric: Fabric, module: nn.Module) -> None:
    """Replaces each process' gradients by the mean over all processes.

    In place of DistributedDataParallel, whose hooks expect one forward pass to each backward pass: eq. 9 calls
    the flow several times, in both directions and partly without a graph.
    """
    if fabric.world_size == 1:
        return
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    mean = mean_over_processes(fabric, flat)
    for gradient, part in zip(
        gradients, mean.split([gradient.numel() for gradient in gradients]), strict=True
    ):
        gradient.copy_(part.view_as(gradient))


def mean_over_processes(fabric: Fabric, values: Tensor) -> Tensor:
    """The same on every process."""
    reduced = fabric.all_reduce(values, reduce_op="mean")
    assert isinstance(reduced, Tensor)
    return reduced


def share_of(fabric: Fabric) -> Share:
    """This process' share of joint batches."""
    if fabric.world_size == 1:
        return ALONE

    def gather(rows: Tensor) -> Tensor:
        joint = fabric.all_gather(rows, sync_grads=rows.requires_grad)
        assert isinstance(joint, Tensor)
        return joint.flatten(0, 1)

    return Share(fabric.global_rank, fabric.world_size, gather)


def any_process(fabric: Fabric, flag: bool) -> bool:
    """Whether the flag is set on one of the processes; the same answer on all of them."""
    if fabric.world_size == 1:
        return flag
    share = mean_over_processes(fabric, torch.tensor(float(flag), device=fabric.device))
    return bool(share > 0)
