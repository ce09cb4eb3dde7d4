"""From what a client asked for to the runtime's ``config.json``: Docker's words in, the OCI specification's out.

Pure: what has to be looked up (users in the image's files, devices of the host, volumes) comes in as values.
"""
