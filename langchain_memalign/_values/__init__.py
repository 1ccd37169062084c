"""What a verdict's value may be, and how it is read in people's words."""
