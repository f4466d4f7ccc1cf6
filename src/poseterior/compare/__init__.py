"""The other methods beside the flows: trained at one budget, measured alike, in one table."""
