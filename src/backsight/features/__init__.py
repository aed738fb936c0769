"""The 193 named values a frame that the network reads. Knows nothing of video or models."""
