"""The nouns of Backsight, as small frozen dataclasses around numpy arrays. Imports numpy and nothing heavier."""
