"""RPM's databases: one header for each package, in one of three kinds of file (SQLite, ndb, Berkeley DB)."""
