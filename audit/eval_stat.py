# SPDX-License-Identifier: MIT
"""The statistics of eval-scan.py: exact where samples are small, seeded where random; standard library only.

Scores grow with the evidence; `pos` are those of backdoored models, `neg` those of clean ones; -inf is the
score of a model that has none.  eval-scan.py --self-test runs self_test() below.
"""
import math
import random

CLIP = 1e-12  # of a probability in the cross-entropy (TrojAI's value)


# --- beta and binomial ------------------------------------------------------

def beta_cdf(x, a, b):
    """I_x(a, b), by Lentz's evaluation of its continued fraction (Abramowitz and Stegun 26.5.8)."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - beta_cdf(1.0 - x, b, a)
    tiny = 1e-300
    c, d = 1.0, 1.0 / max(tiny, 1.0 - (a + b) * x / (a + 1.0))
    h = d
    for m in range(1, 10000):
        step = 1.0
        for n in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                  -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):
            d = 1.0 + n * d
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = 1.0 + n / c
            c = c if abs(c) > tiny else tiny
            step *= c * d
        h *= step
        if abs(step - 1.0) < 1e-15:
            break
    log = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return h * math.exp(log) / a


def beta_quantile(p, a, b):
    lo, hi = 0.0, 1.0
    for _ in range(100):
        mid = 0.5 * (lo + hi)
        if beta_cdf(mid, a, b) < p:
            lo = mid
        else:
            hi = mid
    return 0.5 * (lo + hi)


def clopper_pearson(k, n, level=0.95):
    """Exact interval of a share, k of n (Clopper and Pearson, Biometrika 1934)."""
    a = (1.0 - level) / 2.0
    lo = 0.0 if k == 0 else beta_quantile(a, k, n - k + 1)
    hi = 1.0 if k == n else beta_quantile(1.0 - a, k + 1, n - k)
    return lo, hi


# --- ROC --------------------------------------------------------------------

def auc(pos, neg):
    """Area under the ROC curve by ranks, ties counting half (Mann and Whitney)."""
    both = sorted([(v, 1) for v in pos] + [(v, 0) for v in neg])
    rank_sum, i = 0.0, 0
    while i < len(both):
        j = i
        while j < len(both) and both[j][0] == both[i][0]:
            j += 1
        rank_sum += (i + 1 + j) / 2.0 * sum(is_pos for _, is_pos in both[i:j])
        i = j
    return (rank_sum - len(pos) * (len(pos) + 1) / 2.0) / (len(pos) * len(neg))


def wins(p, n):
    return 1.0 if p > n else 0.5 if p == n else 0.0


def variance(v):
    mean = sum(v) / len(v)
    return sum((x - mean) ** 2 for x in v) / (len(v) - 1)


def delong(pos, neg):
    """Standard error of the AUC (DeLong, DeLong and Clarke-Pearson, Biometrics 1988); NaN below two of a kind."""
    if len(pos) < 2 or len(neg) < 2:
        return math.nan
    by_pos = [sum(wins(p, n) for n in neg) / len(neg) for p in pos]
    by_neg = [sum(wins(p, n) for p in pos) / len(pos) for n in neg]
    return math.sqrt(variance(by_pos) / len(pos) + variance(by_neg) / len(neg))


def clusters(scores, keys):
    """Scores of the same key together, in the order of the keys."""
    groups = {}
    for s, k in zip(scores, keys):
        groups.setdefault(k, []).append(s)
    return [groups[k] for k in sorted(groups)]


def bootstrap_auc(pos, pos_keys, neg, neg_keys, seed, count=2000, level=0.95):
    """
    Percentile interval of the AUC; whole clusters are drawn with replacement, those of backdoored and of clean
    models apart.
    """
    cp, cn = clusters(pos, pos_keys), clusters(neg, neg_keys)
    won = [[sum(wins(p, n) for p in a for n in b) for b in cn] for a in cp]
    draw, out = random.Random(seed), []
    for _ in range(count):
        i = [draw.randrange(len(cp)) for _ in cp]
        j = [draw.randrange(len(cn)) for _ in cn]
        pairs = sum(len(cp[a]) for a in i) * sum(len(cn[b]) for b in j)
        out.append(sum(won[a][b] for a in i for b in j) / pairs)
    out.sort()
    cut = int((1.0 - level) / 2.0 * count)
    return out[cut], out[count - 1 - cut]


def threshold(neg, fpr):
    """The least clean score such that no more than the share `fpr` of clean scores lies above it."""
    return sorted(neg, reverse=True)[int(math.floor(fpr * len(neg) + 1e-9))]


def detected(pos, neg, fpr):
    """How many of `pos` lie above the threshold; what has no score is never detected."""
    t = threshold(neg, fpr)
    return sum(p > t for p in pos)


# --- probabilities ----------------------------------------------------------

def sigmoid(v):
    return 1.0 / (1.0 + math.exp(-v)) if v >= 0 else math.exp(v) / (1.0 + math.exp(v))


def logistic_fit(pos, neg):
    """
    (a, b) of P(backdoored | score s) = sigmoid(a + b s): Platt's maximum likelihood (1999) with his targets, which
    keep it finite where the two separate; both kinds weigh the same, so the prior is one half.  None without
    both kinds, or where all scores are the same.
    """
    pos, neg = [s for s in pos if math.isfinite(s)], [s for s in neg if math.isfinite(s)]
    if not pos or not neg or len(set(pos + neg)) == 1:
        return None
    rows = [(s, (len(pos) + 1.0) / (len(pos) + 2.0), 0.5 / len(pos)) for s in pos]
    rows += [(s, 1.0 / (len(neg) + 2.0), 0.5 / len(neg)) for s in neg]
    middle = sum(w * s for s, _, w in rows)
    unit = math.sqrt(sum(w * (s - middle) ** 2 for s, _, w in rows))
    rows = [((s - middle) / unit, t, w) for s, t, w in rows]

    def loss(a, b):
        return sum(w * (math.log1p(math.exp(-abs(a + b * s))) + max(a + b * s, 0.0) - t * (a + b * s))
                   for s, t, w in rows)

    a = b = 0.0
    for _ in range(200):
        ga = gb = haa = hab = hbb = 0.0
        for s, t, w in rows:
            p = sigmoid(a + b * s)
            v = w * max(p * (1.0 - p), 1e-12)
            ga, gb = ga + w * (p - t), gb + w * (p - t) * s
            haa, hab, hbb = haa + v, hab + v * s, hbb + v * s * s
        det = haa * hbb - hab * hab
        if math.hypot(ga, gb) < 1e-13 or det <= 0.0:
            break
        da, db = (hbb * ga - hab * gb) / det, (haa * gb - hab * ga) / det
        pace, now = 1.0, loss(a, b)
        while pace > 1e-10 and loss(a - pace * da, b - pace * db) > now:
            pace *= 0.5
        a, b = a - pace * da, b - pace * db
    return a - b * middle / unit, b / unit


def probability(fit, score):
    """One half for a model without a score: nothing is known."""
    return sigmoid(fit[0] + fit[1] * score) if math.isfinite(score) else 0.5


def balanced(pos, neg, loss):
    """Mean loss over probabilities, backdoored (truth 1) and clean (0) models weighing one half each."""
    return 0.5 * sum(loss(p, 1) for p in pos) / len(pos) + 0.5 * sum(loss(p, 0) for p in neg) / len(neg)


def brier(p, truth):
    return (p - truth) ** 2


def cross_entropy(p, truth):
    p = min(max(p, CLIP), 1.0 - CLIP)
    return -math.log(p if truth else 1.0 - p)


# --- the test of the above --------------------------------------------------

def near(got, want, tolerance=1e-9):
    assert abs(got - want) <= tolerance, "got %r, want %r" % (got, want)


def binomial_tail(k, n, p):
    return sum(math.comb(n, i) * p ** i * (1 - p) ** (n - i) for i in range(k, n + 1))


def test_beta():
    near(beta_cdf(0.5, 2, 2), 0.5)
    near(beta_cdf(0.3, 1, 1), 0.3)
    for k, n, p in ((3, 10, 0.2), (1, 59, 0.05), (50, 100, 0.4), (100, 100, 0.99), (7, 300, 0.05)):
        near(beta_cdf(p, k, n - k + 1), binomial_tail(k, n, p), 1e-12)
    near(beta_quantile(beta_cdf(0.37, 4, 9), 4, 9), 0.37, 1e-12)


def test_intervals():
    for k, n, lo, hi in ((0, 20, 0.0, 0.168433), (8, 10, 0.443905, 0.974789), (10, 10, 0.691503, 1.0),
                         (1, 100, 0.000253, 0.054459)):  # R's binom.test
        got = clopper_pearson(k, n)
        near(got[0], lo, 1e-6)
        near(got[1], hi, 1e-6)
    # the definition: with the limits, what was seen or more extreme has a probability of 2.5 %
    lo, hi = clopper_pearson(13, 70)
    near(binomial_tail(13, 70, lo), 0.025, 1e-10)
    near(1 - binomial_tail(14, 70, hi), 0.025, 1e-10)
    # one-sided 95 %: 59 clean models without an alarm rule out 5 %, 58 do not
    assert clopper_pearson(0, 59, 0.90)[1] < 0.05 < clopper_pearson(0, 58, 0.90)[1]


def test_roc():
    inf = math.inf
    near(auc([1, 3], [0, 2]), 0.75)
    near(delong([1, 3], [0, 2]), math.sqrt(0.125))
    near(auc([2, 2], [2, 2]), 0.5)
    near(auc([1, 2, 2], [2, 0]), (0 + 1 + 0.5 + 1 + 0.5 + 1) / 6)
    near(auc([5], [1, 2, 3]), 1.0)
    near(auc([-inf, 3], [-inf, 1]), (0.5 + 0 + 1 + 1) / 4)
    assert math.isnan(delong([1], [0, 2]))
    draw = random.Random(3)
    pos, neg = [draw.gauss(1, 1) for _ in range(31)], [draw.gauss(0, 1) for _ in range(17)]
    near(auc(pos, neg), sum(wins(p, n) for p in pos for n in neg) / (31 * 17))
    # each model a cluster of its own: the bootstrap agrees with DeLong
    lo, hi = bootstrap_auc(pos, range(31), neg, range(17), "x", 4000)
    near((hi - lo) / (2 * 1.96), delong(pos, neg), 0.01)
    assert bootstrap_auc(pos, range(31), neg, range(17), "x") == bootstrap_auc(pos, range(31), neg, range(17), "x")
    # two copies of everything in one cluster widen nothing; as their own clusters they narrow
    twice = bootstrap_auc(pos + pos, list(range(31)) * 2, neg + neg, list(range(17)) * 2, "x", 4000)
    assert twice == (lo, hi)
    apart = bootstrap_auc(pos + pos, range(62), neg + neg, range(34), "x", 4000)
    assert apart[1] - apart[0] < 0.8 * (hi - lo)


def test_thresholds():
    clean = list(range(20))
    assert threshold(clean, 0.05) == 18 and threshold(clean, 0.01) == 19
    assert detected([18, 18.5, 19, 20], clean, 0.05) == 3
    assert detected([18, 18.5, 19, 20], clean, 0.01) == 1
    assert threshold(list(range(100)), 0.01) == 98
    assert detected([-math.inf], [-math.inf] * 5, 0.05) == 0


def test_probabilities():
    a, b = logistic_fit([2.0, 4.0], [-2.0, -4.0])
    near(a, 0.0)
    assert b > 0
    near(probability((a, b), -math.inf), 0.5)
    # shifted and stretched scores are the same models
    c, d = logistic_fit([102.0, 104.0], [98.0, 96.0])
    near(d, b, 1e-8)
    near(c + 100 * d, a, 1e-6)
    pos, neg = [1.0, 2.0, 0.5, 7.0], [0.0, 1.5, -1.0]
    a, b = logistic_fit(pos, neg)
    rows = [(s, 5 / 6, 1 / 8) for s in pos] + [(s, 1 / 5, 1 / 6) for s in neg]
    near(sum(w * (sigmoid(a + b * s) - t) for s, t, w in rows), 0.0, 1e-10)
    near(sum(w * (sigmoid(a + b * s) - t) * s for s, t, w in rows), 0.0, 1e-10)
    assert logistic_fit([1.0], []) is None and logistic_fit([1.0], [1.0]) is None
    assert logistic_fit([1.0, -math.inf], [0.0]) == logistic_fit([1.0], [0.0])
    near(sigmoid(-800), 0.0)
    near(balanced([0.5], [0.5, 0.5], brier), 0.25)
    near(balanced([0.5], [0.5, 0.5], cross_entropy), math.log(2))
    near(balanced([1.0, 0.0], [0.0], brier), 0.25)
    near(cross_entropy(0.0, 1), 27.6310211159, 1e-9)


def self_test():
    for t in (test_beta, test_intervals, test_roc, test_thresholds, test_probabilities):
        t()
