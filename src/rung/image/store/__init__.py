"""The content store: blobs by digest, names and references in SQLite, leases, collection."""
