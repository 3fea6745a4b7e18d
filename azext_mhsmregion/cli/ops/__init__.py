"""What the commands do: one file per group, imported only when one of its commands runs."""
