"""Another registry behind this one."""


class Upstream:
    """What is not here is fetched from there."""
