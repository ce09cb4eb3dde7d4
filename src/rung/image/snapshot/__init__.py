"""Snapshots: unpacked layers, and containers' root file systems stacked from them."""
