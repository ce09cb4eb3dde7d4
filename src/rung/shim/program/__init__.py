"""``containerd-shim-rung-v2``: the shim as containerd starts it."""
