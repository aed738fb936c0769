// Join each exercise's video, curves and heat map to one playhead. Without this script the page still reads.
"use strict";

(() => {
  const PLOT_HEIGHT_PX = 104;
  const root = document.documentElement;

  /** The value of a colour variable, so that curves follow the colour scheme. */
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  /** A rounded number with a true minus sign, and never "−0". */
  function written(value, decimals) {
    const text = value.toFixed(decimals);
    return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
  }

  /** Position of the last element that is not after `time`; 0 when all are. */
  function indexAt(times, time) {
    let low = 0;
    let high = times.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (times[middle] <= time) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Some browsers cannot seek in a `data:` video, all can in a blob. */
  function moveVideoIntoBlob(video) {
    const url = video.getAttribute("src");
    const comma = url.indexOf(",");
    const bytes = Uint8Array.from(atob(url.slice(comma + 1)), (character) => character.charCodeAt(0));
    video.src = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
  }

  /** One exercise: knows the current time and tells everybody who shows it. */
  class Timeline {
    constructor(data) {
      this.frames = data.frames;
      this.duration = data.duration;
      this.moments = data.moments;
      this.time = 0;
      this.listeners = [];
      this.seekVideo = () => {};
    }

    onChange(listener) {
      this.listeners.push(listener);
    }

    /** Show a time without touching the video: for the video itself. */
    show(time) {
      this.time = clamp(time, 0, this.duration);
      for (const listener of this.listeners) listener(this.time);
    }

    /** Go to the frame nearest to a time. */
    seek(time) {
      const before = indexAt(this.frames, time);
      const after = Math.min(before + 1, this.frames.length - 1);
      this.goToFrame(this.frames[after] - time < time - this.frames[before] ? after : before);
    }

    goToFrame(frame) {
      const index = clamp(frame, 0, this.frames.length - 1);
      const time = this.frames[index];
      const next = index + 1 < this.frames.length ? this.frames[index + 1] : time + 0.02;
      // A little into the frame: at its very start rounding could show the one before.
      this.seekVideo(time + 0.25 * (next - time));
      this.show(time);
    }

    get frame() {
      return indexAt(this.frames, this.time + 1e-4);
    }

    step(by) {
      this.goToFrame(this.frame + by);
    }
  }

  function connectVideo(timeline, video, controls) {
    moveVideoIntoBlob(video);
    video.controls = false;
    video.tabIndex = 0;
    let wanted = null; // While one seek is under way, only the latest further wish is kept.

    timeline.seekVideo = (time) => {
      video.pause();
      if (video.seeking) wanted = time;
      else video.currentTime = time;
    };
    video.addEventListener("seeked", () => {
      if (wanted === null) return;
      video.currentTime = wanted;
      wanted = null;
    });

    const follow = () => {
      if (video.paused) return;
      timeline.show(video.currentTime);
      requestAnimationFrame(follow);
    };
    const play = controls.querySelector(".play");
    const label = () => {
      play.textContent = video.paused ? "Play" : "Pause";
      play.setAttribute("aria-label", play.textContent);
    };
    const toggle = () => {
      if (video.paused) video.play().catch(label);
      else video.pause();
      label(); // The video tells of it a little later; the button answers at once.
    };
    video.addEventListener("play", () => {
      label();
      follow();
    });
    video.addEventListener("pause", label);
    video.addEventListener("ended", () => timeline.show(timeline.duration));
    video.addEventListener("click", toggle);
    play.addEventListener("click", toggle);
    controls.querySelector(".speed select").addEventListener("change", (event) => {
      video.playbackRate = Number(event.target.value);
    });
    return toggle;
  }

  function connectControls(timeline, controls) {
    const seek = controls.querySelector(".seek");
    const clock = controls.querySelector(".clock");
    seek.max = String(timeline.frames.length - 1);
    seek.addEventListener("input", () => timeline.goToFrame(Number(seek.value)));
    controls.querySelector(".step-back").addEventListener("click", () => timeline.step(-1));
    controls.querySelector(".step-on").addEventListener("click", () => timeline.step(1));
    timeline.onChange((time) => {
      const words = `${time.toFixed(2)} s, frame ${timeline.frame + 1} of ${timeline.frames.length}`;
      seek.value = String(timeline.frame);
      seek.setAttribute("aria-valuetext", words);
      clock.textContent = words;
    });
  }

  function connectKeys(timeline, element, toggle) {
    const actions = {
      ArrowLeft: () => timeline.step(-1),
      ArrowRight: () => timeline.step(1),
      Home: () => timeline.goToFrame(0),
      End: () => timeline.goToFrame(timeline.frames.length - 1),
      " ": toggle,
    };
    element.addEventListener("keydown", (event) => {
      const action = actions[event.key];
      if (!action || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      action();
    });
  }

  /** Click or drag on `element` seeks; `timeAt` turns a distance from its left edge into a time. */
  function connectPointer(timeline, element, timeAt) {
    const seek = (event) => timeline.seek(timeAt(event.clientX - element.getBoundingClientRect().left));
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      seek(event);
    });
    element.addEventListener("pointermove", (event) => {
      if (element.hasPointerCapture(event.pointerId)) seek(event);
    });
  }

  /** What lies behind the curve: the threshold and all above it, or the zero line. */
  function drawBehind(plot, data) {
    const { ctx, bbox } = plot;
    const [low, high] = data.range;
    ctx.save();
    if (data.threshold !== null) {
      const y = plot.valToPos(data.threshold, "y", true);
      ctx.globalAlpha = 0.6;
      ctx.fillStyle = colour("--flag-wash");
      ctx.fillRect(bbox.left, bbox.top, bbox.width, y - bbox.top);
      ctx.globalAlpha = 1;
      drawLevel(plot, y, "--soft", [5, 4]);
    } else if (low < 0 && high > 0) {
      drawLevel(plot, plot.valToPos(0, "y", true), "--soft", []);
    }
    ctx.restore();
  }

  function drawLevel(plot, y, name, dashes) {
    const { ctx, bbox } = plot;
    ctx.strokeStyle = colour(name);
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash(dashes.map((length) => length * devicePixelRatio));
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }

  /** Lines where something happened, each with its symbol of the legend. */
  function drawMoments(plot, moments) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = colour("--moment");
    ctx.fillStyle = colour("--soft");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([2 * devicePixelRatio, 2 * devicePixelRatio]);
    ctx.font = `600 ${10 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.textBaseline = "top";
    for (const [time, symbol] of moments) {
      const x = plot.valToPos(time, "x", true);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.fillText(symbol, x + 3 * devicePixelRatio, bbox.top + devicePixelRatio);
    }
    ctx.restore();
  }

  function plotOptions(data, timeline, width) {
    const axis = { stroke: () => colour("--soft"), font: "12px system-ui, sans-serif" };
    const grid = { stroke: () => colour("--line"), width: 1 };
    return {
      width,
      height: PLOT_HEIGHT_PX,
      padding: [6, 8, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
      scales: { x: { time: false, range: [0, timeline.duration || 1] }, y: { range: data.range } },
      axes: [
        { ...axis, grid: { show: false }, ticks: { ...grid, size: 4 }, size: 22, gap: 2, space: 60, values: (_, marks) => marks.map((mark) => `${mark} s`) },
        { ...axis, grid, ticks: { show: false }, size: 44, gap: 6, space: 28, values: (_, marks) => marks.map((mark) => String(mark).replace("-", "−") + data.unit) },
      ],
      series: [{}, { stroke: () => colour("--accent"), width: 2, spanGaps: false, points: { show: false } }],
      hooks: { drawAxes: [(plot) => drawBehind(plot, data), (plot) => drawMoments(plot, timeline.moments)] },
    };
  }

  function connectPlot(timeline, figure, data, times) {
    const host = figure.querySelector(".canvas");
    const readout = figure.querySelector(".plot-value");
    const plot = new uPlot(plotOptions(data, timeline, host.clientWidth || 320), [times, data.values], host);
    const playhead = document.createElement("div");
    playhead.className = "playhead";
    plot.over.append(playhead);

    const show = (time) => {
      playhead.style.transform = `translateX(${plot.valToPos(time, "x")}px)`;
      // Curves begin and end with the person: before and after there is nothing to read.
      const at = indexAt(times, time + 0.02);
      const value = times[at] <= time + 0.02 && time <= times[times.length - 1] + 0.05 ? data.values[at] : null;
      readout.textContent =
        value === null || value === undefined ? "no reading" : written(value, data.decimals) + data.unit;
    };
    timeline.onChange(show);
    connectPointer(timeline, plot.over, (x) => plot.posToVal(x, "x"));
    new ResizeObserver(() => {
      if (!host.clientWidth || host.clientWidth === plot.width) return;
      plot.setSize({ width: host.clientWidth, height: PLOT_HEIGHT_PX });
      show(timeline.time);
    }).observe(host);
    return plot;
  }

  function connectHeatMap(timeline, pictures) {
    const playhead = pictures.querySelector(".playhead");
    timeline.onChange((time) => {
      playhead.style.left = `${(100 * time) / (timeline.duration || 1)}%`;
    });
    connectPointer(timeline, pictures, (x) => (x / pictures.clientWidth) * timeline.duration);
  }

  function connectExercise(data) {
    const timeline = new Timeline(data);
    const synced = document.querySelector(`.synced[data-exercise="${data.exercise}"]`);
    const controls = synced.querySelector(".controls");
    const video = synced.querySelector("video");
    connectControls(timeline, controls);
    const toggle = video ? connectVideo(timeline, video, controls) : () => {};
    for (const part of [synced.querySelector(".plots"), video]) if (part) connectKeys(timeline, part, toggle);
    const plots = data.plots.map((plot) =>
      connectPlot(timeline, synced.querySelector(`[data-plot="${plot.key}"]`), plot, data.clocks[plot.clock]),
    );
    connectHeatMap(timeline, document.querySelector(`.heat[data-exercise="${data.exercise}"] .heat-pictures`));
    for (const goal of synced.querySelectorAll("[data-time]")) {
      goal.addEventListener("click", () => timeline.seek(Number(goal.dataset.time)));
    }
    // Open on the first picture with a skeleton: what comes before shows an empty room.
    timeline.goToFrame(data.opening);
    return plots;
  }

  /** Paper has no room for folded parts. */
  function unfoldForPrint() {
    let opened = [];
    addEventListener("beforeprint", () => {
      opened = [...document.querySelectorAll("details:not([open])")];
      for (const details of opened) details.open = true;
    });
    addEventListener("afterprint", () => {
      for (const details of opened) details.open = false;
    });
  }

  root.classList.add("live");
  const plots = JSON.parse(document.getElementById("report-data").textContent).flatMap(connectExercise);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const plot of plots) plot.redraw();
  });
  unfoldForPrint();
})();
