"""containerd's shim protocol, version 2 and 3, as data: frames, messages, events. Pure: no I/O."""
