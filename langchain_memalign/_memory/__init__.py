"""What judges remember: reading, searching and changing the records of both memories."""
