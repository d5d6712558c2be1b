"""The only home of protobuf and gRPC status: messages to core values and back."""
