"""What feedback makes of a memory: read, cut into batches, merged, written; asks no model."""
