"""`backsight doctor`: what is installed, what is missing, what to do about it."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from backsight.cli.exit_codes import ExitCode
from backsight.errors import BacksightError, MissingDependencyError
from backsight.settings import MODELS_DIR_VARIABLE, Settings

_ENGINES = (
    ("av", "av"),
    ("jinja2", "jinja2"),
    ("mediapipe", "mediapipe"),
    ("numpy", "numpy"),
    ("onnxruntime", "onnxruntime"),
    ("opencv-contrib-python", "cv2"),
    ("platformdirs", "platformdirs"),
    ("pyarrow", "pyarrow"),
    ("rich", "rich"),
    ("scipy", "scipy"),
)
"""(package, module) of everything that assessing a video loads."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    name: str
    ok: bool
    needed: bool
    """Whether assessing a video needs it."""
    detail: str


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say what is installed and what is missing.

    Exit code 1 when a video cannot be assessed.
    """
    findings = examine()
    broken = any(finding.needed and not finding.ok for finding in findings)
    if as_json:
        typer.echo(json.dumps({"ready": not broken, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        for finding in findings:
            mark = "ok     " if finding.ok else "MISSING" if finding.needed else "-      "
            typer.echo(f"{mark} {finding.name}: {finding.detail}")
        typer.echo("not ready: mend what is MISSING" if broken else "ready to assess videos")
    if broken:
        raise typer.Exit(ExitCode.FAILED)


def examine() -> list[Finding]:
    """Look at everything the command needs or can use."""
    settings = Settings.from_environment()
    packages = [(package, module, True, f"pip install {package}") for package, module in _ENGINES]
    packages.append(("pyvista", "pyvista", False, "only for virtual volunteers: pip install 'backsight[simulate]'"))
    packages.append(("torch", "torch", False, "only for training: pip install 'backsight[train]'"))
    return [
        Finding("python", True, True, f"{platform.python_version()} on {platform.platform()}"),
        *(_package(*package) for package in packages),
        _fast_engine(),
        *_bundles(settings),
        _npm(),
        _attempt("spinal health model", _shipped_model),
        _attempt("video encoder", _encoder),
    ]


def _package(package: str, module: str, needed: bool, remedy: str) -> Finding:
    """Look whether a package is installed and, since a broken one is worse than none, whether it can be imported."""
    try:
        found = version(package)
        import_module(module)
    except PackageNotFoundError:
        return Finding(package, False, needed, f"not installed; {remedy}")
    except ImportError as error:
        return Finding(package, False, needed, f"{found} is installed but broken ({error}); {remedy} --force-reinstall")
    return Finding(package, True, needed, found)


def _fast_engine() -> Finding:
    """Look for OpenVINO through its own door, which keeps its telemetry from being loaded."""
    from backsight.pose.openvino.networks import import_openvino

    name, remedy = "openvino", "`--engine auto` takes MediaPipe; the faster engine: pip install 'backsight[fast]'"
    try:
        found = version(name)
        import_openvino()
    except PackageNotFoundError:
        return Finding(name, False, False, f"not installed; {remedy}")
    except MissingDependencyError as error:
        return Finding(name, False, False, f"{error}; {remedy}")
    return Finding(name, True, False, f"{found}; `--engine auto` takes it")


def _bundles(settings: Settings) -> list[Finding]:
    from backsight.pose.weights import PoseModel, bundle_state, is_whole

    findings = []
    for model in PoseModel:
        state: str = bundle_state(model, folder=settings.models_dir)
        if state == "altered" and is_whole(settings.models_dir / model.file_name):
            state = "ok, not made by Backsight"
        ok = state.startswith("ok")
        remedy = "" if ok else f"; run backsight models fetch {model}"
        # A missing bundle is fetched on first use, unless the machine is declared offline.
        needed = model is PoseModel.LITE and not (state == "missing" and settings.may_fetch)
        findings.append(Finding(f"BlazePose {model}", ok, needed, f"{state} in {settings.models_dir}{remedy}"))
    return findings


def _npm() -> Finding:
    path = shutil.which("npm")
    purpose = f"fetches the BlazePose weights; not needed where {MODELS_DIR_VARIABLE} holds them"
    return Finding("npm", path is not None, False, f"{path or 'not found'} ({purpose})")


def _attempt(name: str, action: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, True, action())
    except BacksightError as error:
        return Finding(name, False, True, str(error))


def _shipped_model() -> str:
    from backsight.openers import index_predictor

    card = index_predictor().card
    return f"{card.name} {card.version}: {card.headline}"


def _encoder() -> str:
    from backsight.video.encoding import h264_encoder

    return f"H.264 by {h264_encoder()}"
