"""The local database of vulnerabilities, and the published files that it is built from."""
