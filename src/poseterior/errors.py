"""Errors that a user can cause and mend; the command line prints them as one sentence."""


class PoseteriorError(Exception):
    """Base of all of them; the text names the file or field and what was expected."""


class InputError(PoseteriorError):
    """A picture, video, keypoint file or array cannot be used as it is."""


class NoPersonError(PoseteriorError):
    """No person was found in the picture, so there is nothing to lift."""


class AssetError(PoseteriorError):
    """A pinned asset cannot be fetched, or what was fetched is not what was pinned."""


class ModelError(PoseteriorError):
    """A model's files are missing, damaged, of another format, or made for another detector."""


class OutputError(PoseteriorError):
    """A result cannot be written where it was asked for."""
