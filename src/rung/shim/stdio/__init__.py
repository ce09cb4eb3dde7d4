"""A process's standard streams: where they go, and the copying in between."""
