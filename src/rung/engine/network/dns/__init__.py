"""Names of containers, for those on the same user network. RFC 1035."""
