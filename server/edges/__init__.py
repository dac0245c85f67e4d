"""The server's faces: thin translations of what comes over the network into calls of a Node."""
