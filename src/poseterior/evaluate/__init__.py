"""How good a lifting method is on a set of pictures with truth: `poseterior evaluate`."""
