"""Fixtures for every test; a heavy library is imported only when a test asks for what needs it."""

pytest_plugins = ["tests.databases"]
