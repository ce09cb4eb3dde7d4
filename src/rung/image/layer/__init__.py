"""Layers: reading tar archives from strangers, and unpacking them below one directory."""
