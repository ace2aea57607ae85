"""The commands: one module each, and how a first configuration is begun and written."""
