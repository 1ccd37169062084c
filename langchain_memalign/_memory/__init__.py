"""What judges remember: the records of both memories, read, searched and changed."""
