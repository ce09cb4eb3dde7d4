"""The Container Runtime Interface, runtime.v1: what a kubelet and a container runtime say to each other over gRPC."""
