"""Azure's host names, as far as they are served here, and the emulator's own."""

ARM_HOST = "management.azure.com"
LOGIN_HOST = "login.microsoftonline.com"
GRAPH_HOST = "graph.microsoft.com"
CONTROL_HOST = "emulator.mhsmregion.internal"
CONTROL_PLANE = (ARM_HOST, LOGIN_HOST, GRAPH_HOST, CONTROL_HOST)
POOL_SUFFIX = ".managedhsm.azure.net"
