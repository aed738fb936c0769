"""Film a virtual volunteer in a setting, frame by frame. Knows nothing of landmarks or of who looks at the film."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backsight.domain.recording import SourceInfo
from backsight.domain.sequences import Frame
from backsight.errors import InvalidValueError
from backsight.rendering.cast import Person, PersonPainter, average, lay_over
from backsight.rendering.company import invite
from backsight.rendering.floor_plan import FloorPlan, level_sight, plan_floor
from backsight.rendering.light import Lighting, set_up_light
from backsight.rendering.looks import Looks
from backsight.rendering.room import Room, build_room
from backsight.rendering.scene import Mesh, draw_still
from backsight.rendering.sensor import SensorNoise, Shake, picture_shift, vignette
from backsight.rendering.setting import FREEZING_SHUTTER_S, Setting
from backsight.rendering.shadow import SHRINK, FloorShadow
from backsight.rendering.shape import build_body
from backsight.simulation.camera import FRAME_SIZE, Camera
from backsight.simulation.performance import Performance
from backsight.video.encoding import H264Writer

_EXPOSURE_STEPS = 3
"""Moments averaged over an exposure that blurs."""
_SUPERSAMPLING = 2
"""Figures are drawn this many times too large in each direction, for smooth edges."""
_UNSEEN_PX = 0.7
"""A background that moves less than this within an exposure is taken as sharp."""
_MARGIN_SWINGS = 3.5
"""A still picture for a shaking camera reaches this many times its root mean square turn beyond the frame."""
_MAX_MARGIN_SHARE = 0.4
"""Of the frame's width, however strongly the camera shakes; beyond it, the picture's edge is repeated."""
_GAMMA = 2.2


class Film:
    """A volunteer's performance as a camera records it; a `ports.FrameSource`.

    The same arguments give the same pictures, byte for byte, on one machine and driver, however often they are read.

    Parameters
    ----------
    performance
        Who does what before which camera.
    looks
        How the volunteer looks.
    setting
        Where, in what light, with what sensor.
    frame_size
        (width, height) in pixels; the camera's field of view is kept as far as the shape allows.

    Raises
    ------
    InvalidValueError
        When `frame_size` is smaller than 16 x 16 pixels, or the performance shorter than two frames.
    """

    def __init__(
        self, performance: Performance, looks: Looks, setting: Setting, frame_size: tuple[int, int] = FRAME_SIZE
    ) -> None:
        if min(frame_size) < 16:
            raise InvalidValueError(f"`frame_size` must be at least (16, 16) pixels, got {frame_size}")
        self._timestamps_s = performance.motion.timestamps_s
        if len(self._timestamps_s) < 2:
            raise InvalidValueError(f"`performance` must have 2 frames or more to film, got {len(self._timestamps_s)}")
        self.performance, self.looks, self.setting = performance, looks, setting
        self.camera = _resize(performance.camera, frame_size)
        """The camera at rest; its frame is the film's."""

    @property
    def info(self) -> SourceInfo:
        """Size, rate and length; the name tells which volunteer does what."""
        width, height = self.camera.frame_size
        times = self._timestamps_s
        fps = (len(times) - 1) / float(times[-1] - times[0])
        return SourceInfo(
            name=f"{self.performance.volunteer.subject_id}-{self.performance.exercise or 'other'}",
            width=width,
            height=height,
            fps=fps,
            duration_s=len(times) / fps,
            n_frames=len(times),
            analysed_size=(width, height),
        )

    def camera_at(self, time_s: float) -> Camera:
        """Return where the camera is at a time, shaken by the hand that holds it."""
        return self._shake.move(self.camera, time_s)

    def frames(self) -> Iterator[Frame]:
        """Yield the film's frames in order of time, exactly at the performance's times."""
        rng = np.random.default_rng([self.setting.seed, 1])
        noise = SensorNoise(self.setting.noise_codes, frame_size=self.camera.frame_size, rng=rng)
        with ExitStack() as stack:
            painters = [stack.enter_context(closing(self._painter(person))) for person in self._people]
            for index, time_s in enumerate(self._timestamps_s):
                picture = self._shoot(index, painters)
                yield Frame(image=noise.add(picture, rng), timestamp_s=float(time_s), index=index)

    def _shoot(self, index: int, painters: list[PersonPainter]) -> NDArray[np.uint8]:
        """Return one picture before the sensor's noise."""
        moments = self._moments(index)
        backdrop = self._backdrop.copy()
        for painter in painters:
            self._shadow.darken(backdrop, painter.person.points_m(float(index)))
        picture = self._take_in(backdrop, moments)
        sight = self.camera.axes[2]
        # The furthest first.
        for painter in sorted(painters, key=lambda one: -float(one.person.points_m(float(index)).mean(axis=0) @ sight)):
            painter.paint(picture, moments)
        if self._foreground is not None:
            lay_over(picture, self._take_in(self._foreground, moments))
        return picture

    def _moments(self, index: int) -> tuple[tuple[float, Camera], ...]:
        """Return when within an exposure the scene is drawn, in frames, and where the camera is."""
        time_s = float(self._timestamps_s[index])
        if not self._is_blurred:
            return ((float(index), self.camera_at(time_s)),)
        # The exposure's middle is the frame's time, so that blur does not delay what is seen.
        shifts_s = self.setting.shutter_s * ((np.arange(_EXPOSURE_STEPS) + 0.5) / _EXPOSURE_STEPS - 0.5)
        return tuple(
            (index + float(shift) * self.info.fps, self.camera_at(time_s + float(shift))) for shift in shifts_s
        )

    def _take_in(self, still: NDArray[np.uint8], moments: tuple[tuple[float, Camera], ...]) -> NDArray[np.uint8]:
        """Return what the shaking camera sees of a larger still picture."""
        if self._shake.is_still:
            return still
        shifts = [
            picture_shift(self.camera, camera, margin_px=self._margin_px, depth_m=self._person_depth_m)
            for _, camera in moments
        ]
        if np.abs(shifts[-1] - shifts[0])[:2, 2].max() < _UNSEEN_PX:
            shifts = [shifts[len(shifts) // 2]]
        views = [
            cv2.warpPerspective(still, shift, self.camera.frame_size, borderMode=cv2.BORDER_REPLICATE)
            for shift in shifts
        ]
        return average([np.asarray(view, dtype=np.uint8) for view in views])

    def _painter(self, person: Person) -> PersonPainter:
        return PersonPainter(
            person,
            self._lighting,
            softness_px=self.setting.softness_px,
            vignetting=self.setting.vignetting,
            # The mean of several moments has smooth edges already.
            supersampling=1 if self._is_blurred else _SUPERSAMPLING,
        )

    @property
    def _is_blurred(self) -> bool:
        return self.setting.shutter_s > FREEZING_SHUTTER_S

    @cached_property
    def _shake(self) -> Shake:
        return Shake(self.setting.shake_deg, np.random.default_rng([self.setting.seed, 3]))

    @cached_property
    def _plan(self) -> FloorPlan:
        return plan_floor(self.setting, landmarks_m=self.performance.figure.landmarks_m, camera=self.camera)

    @cached_property
    def _lighting(self) -> Lighting:
        centre = self._plan.origin_m + np.array([0.0, 1.0, 0.0])
        return set_up_light(self.setting.light, centre_m=centre, sight=level_sight(self.camera))

    @cached_property
    def _people(self) -> tuple[Person, ...]:
        performance = self.performance
        filmed = Person(build_body(performance.volunteer.body, self.looks), performance.figure)
        if self.setting.company is None:
            return (filmed,)
        company = invite(self.setting, self._plan, exercise=performance.exercise, timestamps_s=self._timestamps_s)
        return filmed, company

    @cached_property
    def _room(self) -> Room:
        return build_room(
            self.setting,
            self._plan,
            camera=self.camera,
            landmarks_m=self.performance.figure.landmarks_m,
            lighting=self._lighting,
        )

    @property
    def _person_depth_m(self) -> float:
        return float(self.camera.to_camera(self.performance.figure.landmarks_m).mean(axis=(0, 1))[2])

    @cached_property
    def _margin_px(self) -> int:
        """Return by how much the still pictures are larger than the frame; a multiple of the shadow's shrinking."""
        swing_px = self.camera.focal_px * np.tan(np.radians(_MARGIN_SWINGS * self.setting.shake_deg))
        wanted = min(swing_px, _MAX_MARGIN_SHARE * self.camera.frame_size[0])
        return SHRINK * int(np.ceil(wanted / SHRINK))

    @cached_property
    def _backdrop(self) -> NDArray[np.uint8]:
        """The place without people, RGB."""
        panels = (self._room.floor, *self._room.panels)
        drawn = draw_still(self.camera, panels=panels, meshes=self._room.meshes, margin_px=self._margin_px)
        return self._soften(drawn)[..., :3].copy()

    @cached_property
    def _foreground(self) -> NDArray[np.uint8] | None:
        """What stands before the person, RGBA with colours multiplied by alpha."""
        if not self._room.in_front:
            return None
        return self._soften(draw_still(self.camera, meshes=self._room.in_front, margin_px=self._margin_px))

    def _soften(self, still: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Blur and darken a still picture as the lens does."""
        height, width = still.shape[:2]
        loss = self.setting.vignetting
        if loss > 0.0:
            rows, columns = np.mgrid[0:height, 0:width] + 0.5 - self._margin_px
            places = np.stack([columns.ravel(), rows.ravel()], axis=1)
            kept = vignette(places, frame_size=self.camera.frame_size, loss=loss).reshape(height, width, 1)
            still = still.copy()
            still[..., :3] = np.round(still[..., :3] * kept ** (1.0 / _GAMMA))
        if self.setting.softness_px > 0.0:
            return np.asarray(cv2.GaussianBlur(still, (0, 0), self.setting.softness_px), dtype=np.uint8)
        return still

    @cached_property
    def _shadow(self) -> FloorShadow:
        return FloorShadow(self._lighting, self.camera, floor_share=self._floor_share, margin_px=self._margin_px)

    @cached_property
    def _floor_share(self) -> NDArray[np.float32]:
        """Where the still picture shows floor, 0 to 1, `SHRINK` times smaller."""
        panels = [replace(self._room.floor, picture=_even(255))]
        panels += [replace(one, picture=_even(0)) for one in self._room.panels]
        black = [Mesh(one.points_m, one.faces, np.zeros_like(one.colours)) for one in self._room.meshes]
        drawn = draw_still(self.camera, panels=panels, meshes=black, margin_px=self._margin_px, shrink=SHRINK)
        return drawn[..., 0].astype(np.float32) / 255.0


def write_film(path: Path, film: Film, on_progress: Callable[[int, int], None] | None = None) -> None:
    """Write a film as an H.264 MP4, compressed as its setting says.

    Parameters
    ----------
    on_progress
        Called with (frames written, frames in all).

    Raises
    ------
    OutputError
        When the file cannot be written; none is left then.
    """
    info = film.info
    with H264Writer(path, size=film.camera.frame_size, fps=info.fps, crf=film.setting.crf) as writer:
        for frame in film.frames():
            writer.write(frame.image, time_s=frame.timestamp_s)
            if on_progress is not None:
                on_progress(frame.index + 1, info.n_frames)


def _resize(camera: Camera, frame_size: tuple[int, int]) -> Camera:
    """Return the same view on a frame of another size, nothing of it cut off."""
    zoom = min(new / old for new, old in zip(frame_size, camera.frame_size, strict=True))
    return replace(camera, focal_px=camera.focal_px * zoom, frame_size=frame_size)


def _even(code: int) -> NDArray[np.uint8]:
    return np.full((2, 2, 3), code, dtype=np.uint8)
