"""The emulator's names in DNS, for clients that use no proxy (DESIGN section 4)."""
