"""Numbers out of numbers: percentiles, medians, ratios."""

import statistics


def percentile(values, share):
    """The least value that this share (0 to 100) of the values does not
    exceed; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    # Not above the number of them, whatever the rounding.
    rank = -(-len(ordered) * share // 100)
    return ordered[min(len(ordered), max(1, int(rank))) - 1]


def median(values):
    """The middle one of those that are known; None of none."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def ratios(samples, ours, theirs, what):
    """what of ours by what of theirs, one for each round in which both were
    measured: a machine that was busy in a round was so for both."""
    by_round = {}
    for sample in samples:
        by_round.setdefault(sample["round"], {})[sample["server"]] = sample
    found = []
    for both in by_round.values():
        if ours in both and theirs in both and both[theirs][what]:
            found.append(both[ours][what] / both[theirs][what])
    return found


def grouped(samples, *keys):
    """Samples by the values of these keys, in the order of coming."""
    groups = {}
    for sample in samples:
        groups.setdefault(tuple(sample[key] for key in keys), []).append(sample)
    return groups


def summary(samples):
    """One row of many rounds: the median of each number, the sum of what went
    wrong."""
    row = dict(samples[0])
    del row["round"]
    for key, value in samples[0].items():
        if key == "errors":
            row[key] = sum(sample[key] for sample in samples)
        elif key != "round" and isinstance(value, (int, float)):
            row[key] = median([sample[key] for sample in samples])
    row["rounds"] = len(samples)
    return row
