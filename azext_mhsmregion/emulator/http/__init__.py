"""The HTTP floor: one accept loop, CONNECT, TLS under the home's own authority, HTTP."""
