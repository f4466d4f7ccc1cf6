"""Poses for synthetic people: motion capture thinned, evened out and widened within the limits of people."""
