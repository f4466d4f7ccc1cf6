"""Pictures that never were: motion, random bodies and cameras, and a simulated detector."""
