"""What `backsight benchmark NAME` runs: ratios measured in one run."""
