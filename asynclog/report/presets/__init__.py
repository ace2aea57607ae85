"""The result of `presets`."""
