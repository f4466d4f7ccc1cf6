"""Hypotheses as one nested record of plain values and arrays: what the npz and JSON files both hold.

The record's fields are documented in `DESCRIPTION`, which is also written into the files.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from poseterior.errors import InputError
from poseterior.skeleton import H36M_17, H36M_BONES
from poseterior.types import Detection, DetectorProfile, FitStatus, JointGaussians, PersonBox

if TYPE_CHECKING:
    from poseterior.hypotheses.container import Hypotheses

FORMAT = "poseterior/hypotheses"
VERSION = 1

DESCRIPTION = {
    "poses_m": "(hypotheses, 17, 3): metres, camera frame (x right, y down, z away from the camera), "
    "relative to the pelvis, joints as in joint_names",
    "mode_m": "(17, 3): the pose at latent zero, as poses_m",
    "log_prob": "(hypotheses,): natural log of the density; nats per m^45 on mean-centred poses if "
    "log_prob_kind is posterior, nats per m^16 on the poses sharing the 2D pose if it is manifold",
    "latents": "(hypotheses, latent): the flow's standard normal samples",
    "summary.mean_m": "(17, 3): mean of poses_m",
    "summary.spread_mm": "(17, 3): standard deviation (ddof 1) in x, y, z, millimetres, relative to the "
    "pelvis; null for a single hypothesis",
    "detection.box": "image pixels (x right, y down, centre of the top-left pixel at 0, 0)",
    "detection.gaussians": "(joints, ...): fitted to heatmaps, in cells (x along columns, y along rows, "
    "centre of the top-left cell at 0, 0); image_px = pixel_from_cell @ (x_cell, y_cell, 1)",
    "timings_ms": "milliseconds by stage",
}


def record_from_hypotheses(hypotheses: Hypotheses) -> dict[str, Any]:
    """Everything worth keeping; leaves are plain values or arrays."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "description": DESCRIPTION,
        "image_name": hypotheses.image_name,
        "num_hypotheses": len(hypotheses),
        "joint_names": list(H36M_17),
        "bones": [list(bone) for bone in H36M_BONES],
        "settings": hypotheses.settings,
        "timings_ms": hypotheses.timings_ms,
        "log_prob_kind": hypotheses.log_prob_kind,
        "mode_log_prob": float(hypotheses.mode_log_prob),
        "mode_m": hypotheses.mode_m,
        "summary": {
            "mean_m": hypotheses.mean(),
            "spread_mm": hypotheses.spread_mm() if len(hypotheses) > 1 else None,
        },
        "detection": _detection_record(hypotheses.detection),
        "log_prob": hypotheses.log_prob,
        "poses_m": hypotheses.poses_m,
        "latents": hypotheses.latents,
    }


def hypotheses_from_record(record: Any) -> Hypotheses:
    """The inverse; arrays may also be nested lists, which become float64.

    Raises:
        InputError: the record is of another format or version, or a field is missing or of the wrong kind.
    """
    from poseterior.hypotheses.container import Hypotheses

    _check_format(record)
    try:
        return Hypotheses(
            poses_m=np.asarray(record["poses_m"]),
            log_prob=np.asarray(record["log_prob"]),
            latents=np.asarray(record["latents"]),
            mode_m=np.asarray(record["mode_m"]),
            mode_log_prob=float(record["mode_log_prob"]),
            log_prob_kind=record["log_prob_kind"],
            detection=_detection(record["detection"]),
            image_name=str(record["image_name"]),
            settings=dict(record["settings"]),
            timings_ms=dict(record["timings_ms"]),
        )
    except KeyError as error:
        raise InputError(f"the field {error} is missing") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"a field has the wrong kind of value ({error})") from error


def _check_format(record: Any) -> None:
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(f'expected a file whose "format" is "{FORMAT}"')
    if record.get("version") != VERSION:
        raise InputError(f"the format's version is {record.get('version')}; expected {VERSION}")
    if tuple(record.get("joint_names", ())) != H36M_17:
        raise InputError("joint_names are not those of Human3.6M-17 in their order")


def _detection_record(detection: Detection) -> dict[str, Any]:
    return {
        "profile": {**asdict(detection.profile), "joint_names": list(detection.profile.joint_names)},
        "box": asdict(detection.box),
        "gaussians": _gaussians_record(detection.gaussians),
        "native_gaussians": _gaussians_record(detection.native_gaussians),
        "image_width_px": detection.image_width_px,
        "image_height_px": detection.image_height_px,
        "score": float(detection.score),
        "num_candidates": detection.num_candidates,
        "timings_ms": detection.timings_ms,
    }


def _detection(record: dict[str, Any]) -> Detection:
    return Detection(
        profile=_profile(record["profile"]),
        box=_box(record["box"]),
        gaussians=_gaussians(record["gaussians"]),
        native_gaussians=_gaussians(record["native_gaussians"]),
        image_width_px=int(record["image_width_px"]),
        image_height_px=int(record["image_height_px"]),
        score=float(record["score"]),
        num_candidates=int(record["num_candidates"]),
        timings_ms=dict(record["timings_ms"]),
    )


def _profile(record: dict[str, Any]) -> DetectorProfile:
    return DetectorProfile(
        name=str(record["name"]),
        heatmap_height=int(record["heatmap_height"]),
        heatmap_width=int(record["heatmap_width"]),
        sigma_confident_cells=float(record["sigma_confident_cells"]),
        joint_names=tuple(record["joint_names"]),
    )


def _box(record: dict[str, Any]) -> PersonBox:
    return PersonBox(
        x_px=float(record["x_px"]),
        y_px=float(record["y_px"]),
        width_px=float(record["width_px"]),
        height_px=float(record["height_px"]),
        source=str(record["source"]),
        score=None if record["score"] is None else float(record["score"]),
    )


def _gaussians_record(gaussians: JointGaussians) -> dict[str, Any]:
    return {
        "joint_names": list(gaussians.joint_names),
        "status": [FitStatus(status).name for status in gaussians.status],
        "amplitude": gaussians.amplitude,
        "mean_cell": gaussians.mean_cell,
        "covariance_cell2": gaussians.covariance_cell2,
        "rmse": gaussians.rmse,
        "pixel_from_cell": gaussians.pixel_from_cell,
    }


def _gaussians(record: dict[str, Any]) -> JointGaussians:
    return JointGaussians(
        joint_names=tuple(record["joint_names"]),
        amplitude=np.asarray(record["amplitude"]),
        mean_cell=np.asarray(record["mean_cell"]),
        covariance_cell2=np.asarray(record["covariance_cell2"]),
        rmse=np.asarray(record["rmse"]),
        status=np.array([FitStatus[name] for name in record["status"]], dtype=np.uint8),
        pixel_from_cell=np.asarray(record["pixel_from_cell"]),
    )
