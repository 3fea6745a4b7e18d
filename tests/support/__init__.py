"""What several suites and tools share: prepared homes."""
