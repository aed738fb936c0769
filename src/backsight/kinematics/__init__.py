"""Pure geometry of a moving person: angles, events, resampling. Knows nothing of video, models or reports."""
