"""What the container gives this process: CPUs, memory, file descriptors, the pod's annotations."""
