"""One holder's gRPC server: decides, binds, compiles, reads, enters, answers."""
