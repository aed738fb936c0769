"""Virtual volunteers with known truth. Knows nothing of networks."""
