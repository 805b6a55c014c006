"""Pictures of lines in one frame, with a legend at its side."""

from skmtl.plotting._style import given_or_new, legend_beside, tidy


class LinesDisplay:
    """Lines over one scale.

    A subclass has ``_draw(ax)``, which draws them and names both axes, and may have
    ``_legend_title``.
    """

    _legend_title = None

    def plot(self, ax=None):
        """Draw the lines.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : object
            The display, with `ax_` and `figure_`.
        """
        ax = given_or_new(ax, (7, 4.2))
        self.ax_, self.figure_ = ax, ax.figure
        self._draw(ax)
        tidy(ax)
        if ax.get_legend_handles_labels()[0]:
            legend_beside(ax, title=self._legend_title)
        return self
