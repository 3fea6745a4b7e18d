"""Floor 4: the commands, behind two thin doors (``app`` is ``mhsm``, ``az`` the extension)."""
