# SPDX-License-Identifier: MIT
"""
Which of many differences between two runs are real.

Of each series of rounds: the ratio of the medians, new to old; its 95 % confidence interval, by
bootstrap of the rounds (percentiles of 2,000 resamplings, seeded); and the probability of such a difference
between two runs alike, by the Mann-Whitney U test, which asks for no distribution: figures of rounds have
long tails. A thousand series make fifty such differences by chance at 5 %: so the probabilities are corrected
by Benjamini and Hochberg's procedure, which bounds the share of false ones among those that are called real.

scipy does the test (exact for few rounds) and numpy the resampling; the correction is ours, since scipy
has it from 1.11 on only.
"""
import dataclasses
import math
import warnings
import zlib

import numpy
from scipy import stats

RESAMPLINGS = 2000


@dataclasses.dataclass
class Difference:
    place: tuple
    relative: bool       # of figures against others' in the same rounds
    more_is_better: bool
    old: float           # medians
    new: float
    ratio: float         # new to old
    low: float
    high: float
    probability: float
    corrected: float = 1.0

    @property
    def better(self):
        return (self.ratio > 1) == self.more_is_better


def _bootstrap(old, new, seed):
    generator = numpy.random.default_rng(seed)

    def medians(sample):
        return numpy.median(generator.choice(sample, (RESAMPLINGS, len(sample))), axis=1)
    with numpy.errstate(divide="ignore", invalid="ignore"):
        ratios = medians(new) / medians(old)
    ratios = ratios[~numpy.isnan(ratios)] # 0 of 0
    return numpy.quantile(ratios, [0.025, 0.975], method="nearest") if len(ratios) else (numpy.nan, numpy.nan)


def measure(place, relative, more_is_better, old, new):
    old, new = numpy.array(old, float), numpy.array(new, float)
    if (old == old[0]).all() and (new == old[0]).all():
        return Difference(place, relative, more_is_better, old[0], new[0], 1.0, 1.0, 1.0, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore") # ties: the normal approximation is taken
        ties = len(numpy.unique(numpy.concatenate([old, new]))) < len(old) + len(new)
        exact = not ties and min(len(old), len(new)) <= 20
        probability = stats.mannwhitneyu(old, new, method="exact" if exact else "asymptotic").pvalue
    medians = float(numpy.median(old)), float(numpy.median(new))
    ratio = medians[1] / medians[0] if medians[0] else float("inf") if medians[1] else 1.0
    # The same resampling whatever else is compared.
    low, high = _bootstrap(old, new, zlib.crc32(repr(place).encode()))
    return Difference(place, relative, more_is_better, *medians, ratio, float(low), float(high), float(probability))


def least_probability(old_count, new_count):
    """Of the most extreme outcome: what so few rounds can show at best."""
    return 2 / math.comb(old_count + new_count, old_count)


def correct(differences):
    """Benjamini and Hochberg: set `corrected`."""
    count, least = len(differences), 1.0
    for rank, difference in reversed(list(enumerate(sorted(differences, key=lambda d: d.probability), 1))):
        least = min(least, difference.probability * count / rank)
        difference.corrected = least


def is_real(difference, rate, smallest):
    """Not by chance, and not too small to speak of."""
    return (difference.corrected < rate and not difference.low <= 1 <= difference.high and
            abs(difference.ratio - 1) >= smallest)
