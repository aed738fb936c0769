"""BlazePose on OpenVINO: the same networks, regions, tracking and smoothing as MediaPipe's, in less time."""
