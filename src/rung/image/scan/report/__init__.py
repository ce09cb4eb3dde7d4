"""A scan in the formats that people and programs read: a table, JSON, SARIF, CycloneDX, SPDX."""
