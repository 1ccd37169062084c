"""How long deeds take, so that they can be stopped at any moment of them."""

from collections import defaultdict

FIRST_GUESS = 0.15


class Pace:
    """Learns how long each deed takes, and draws moments."""

    def __init__(self, rng):
        self._rng = rng
        self._typical = defaultdict(lambda: FIRST_GUESS)

    def moment(self, deed):
        """Some moment of a deed, in seconds from its begin."""
        return max(1e-4, self._rng.random() * 1.1 * self._typical[deed])

    def took(self, deed, seconds):
        self._typical[deed] = 0.6 * self._typical[deed] + 0.4 * seconds

    def outlasted(self, deed, seconds):
        """It took longer than this."""
        self._typical[deed] = max(self._typical[deed], 1.2 * seconds)
