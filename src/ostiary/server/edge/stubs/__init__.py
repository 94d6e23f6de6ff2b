"""Messages of Envoy's ext_authz over gRPC, compiled from ``ext_authz.proto`` by ``tools/write_stubs.py``."""
