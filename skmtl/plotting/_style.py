"""What all pictures share."""

# Okabe and Ito's colours, told apart by people of any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "D", "^", "v", "P")


def import_pyplot():
    """Return matplotlib.pyplot, or raise with the name of the extra."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            'Plots need matplotlib; pip install "skmtl[plot]" brings it.'
        ) from error
    return plt
