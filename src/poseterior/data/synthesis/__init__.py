"""Pictures of synthetic people with exact 3D truth, and what a real detector says of them."""
