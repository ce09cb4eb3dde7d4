"""One module a controller: its part of ``linux.resources`` as writes, in both forms."""
