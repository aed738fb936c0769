"""The paper's network, its checkpoint and its predictor. Knows nothing of video or poses."""
