"""Registries: OCI Distribution 1.1 and Docker Registry v2, the pulling side."""
