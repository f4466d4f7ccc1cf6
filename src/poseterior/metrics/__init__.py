"""How good a posterior is."""
