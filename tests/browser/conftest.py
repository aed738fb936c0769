"""A site, a camera that plays a clip and a browser, for the tests of a participant's pages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright import sync_api as playwright

    from tests.browser.participants import Opened, Served

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
DEMO = ROOT / "src" / "backsight" / "demo" / "touch-toes.mp4"
STANDS_S = 4
"""How long the person in the clip stands still before bending, so that the camera check can be passed."""


@pytest.fixture(scope="session")
def served(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a site for participants, on SQLite; recordings wait, as it has no jobs."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    pytest.importorskip("fastapi", reason="the extra `web` is not installed")
    import uvicorn

    from backsight.web.app import create_app
    from backsight.web.settings import WebSettings
    from backsight.web.templating import STATIC_DIR
    from tests.browser.participants import Served, add_owner

    if not (STATIC_DIR / "vendor" / "tus-js-client").is_dir():
        pytest.skip("the web assets are not built: `make web-assets`")
    folder = tmp_path_factory.mktemp("site")
    (folder / "site.sqlite3").write_bytes(sqlite_template.read_bytes())
    settings = WebSettings(
        database_url=f"sqlite:///{folder / 'site.sqlite3'}",
        secret_key="xK3vQ9mT2bW7rY5uN8cJ4hL6pZ1sD0fG",
        videos_url=str(folder / "videos"),
    )
    app = create_app(settings, has_jobs=False)
    owner_id = add_owner(app.state.database, "researcher")
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Served(f"http://127.0.0.1:{port}", app, owner_id)
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clip that Chromium plays as a camera, over and over: somebody stands, then touches their toes."""
    import av

    path = tmp_path_factory.mktemp("camera") / "touch-toes.mjpeg"
    with av.open(str(DEMO)) as source, av.open(str(path), "w", format="mjpeg") as camera:
        pictures = [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]
        stream = camera.add_stream("mjpeg", rate=30)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuvj420p", 20_000_000
        for number, picture in enumerate(pictures[:1] * (30 * STANDS_S) + pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(format="yuvj420p", dst_color_range="JPEG")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            camera.mux(stream.encode(frame))
        camera.mux(stream.encode(None))
    return path


@pytest.fixture(scope="session")
def driver() -> Iterator[playwright.Playwright]:
    """Return what drives all browsers; a process bears one."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with sync_api.sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(driver: playwright.Playwright) -> Iterator[playwright.Browser]:
    """Return a Chromium without a camera."""
    chromium = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
    yield chromium
    chromium.close()


@pytest.fixture(scope="session")
def camera_browser(driver: playwright.Playwright, clip: Path) -> Iterator[playwright.Browser]:
    """Return a Chromium whose camera plays the clip."""
    chromium = driver.chromium.launch(
        executable_path=str(CHROMIUM),
        args=[
            "--no-sandbox",
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={clip}",
        ],
    )
    yield chromium
    chromium.close()


@pytest.fixture
def open_page(camera_browser: playwright.Browser) -> Iterator[Callable[[str], Opened]]:
    """Return what opens a page of a size in a browser without any memory; a desktop is used without a mouse."""
    from tests.browser.participants import SIZES, SLOW_MS, Opened

    contexts = []

    def open_page(size: str) -> Opened:
        context = camera_browser.new_context(**SIZES[size], permissions=["camera"], reduced_motion="reduce")
        context.set_default_timeout(SLOW_MS)
        contexts.append(context)
        return Opened(context.new_page(), size, has_mouse=size != "desktop")

    yield open_page
    for context in contexts:
        context.close()
