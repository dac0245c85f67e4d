"""The gRPC server, grpc.aio in a process of its own. Only that process imports it: grpcio costs memory."""
