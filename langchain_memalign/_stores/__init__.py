"""Where memories are kept: the contract of a store, and its two engines."""
