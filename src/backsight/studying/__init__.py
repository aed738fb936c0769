"""A researcher's own study from manifest to judged model: what `train`, `evaluate`, `compare` and `tune` do."""
