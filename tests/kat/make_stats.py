"""Makes the vectors of `tests/stats`: what other people's programs say of the same numbers.

    pip install gbstats==0.8.0 ville==0.1.0 savvi==0.2.0 matplotlib statsmodels==0.15.0 scipy==1.17.1 mpmath==1.4.1
    python tests/kat/make_stats.py                  # Python 3.11; writes stats.json

    apt-get install libboost-dev                    # confseq builds with Python 3.10 at most
    pip install 'numpy<2' 'setuptools<70' wheel pybind11==2.6.2 multiprocess scipy pandas
    pip install --no-build-isolation confseq==0.0.11
    python tests/kat/make_stats.py confseq          # Python 3.10; writes stats_confseq.json

Where a library rounds more coarsely than 1e-9, or has no such thing, its published formula is
evaluated by mpmath with 50 digits, and the vector says so.
"""

import json
import math
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).parent


def shortened(row):
    """Arms that many rows share are written once, as `pairs`."""
    if isinstance(row, dict):
        for place, (control, treated) in enumerate(PAIRS):
            if (row.get("control"), row.get("treated")) == (control, treated):
                rest = {name: row[name] for name in row if name not in ("control", "treated")}
                return {"pair": place, **rest}
    return row


def write(name, made_with, sections):
    """One row a line."""
    parts = [f' "made_with": {json.dumps(made_with)}']
    for section, rows in sections.items():
        rows = [shortened(row) for row in (rows if isinstance(rows, list) else [rows])]
        try:
            lines = ",\n  ".join(json.dumps(row, allow_nan=False) for row in rows)
        except ValueError as error:
            raise ValueError(section) from error
        parts.append(f' "{section}": [\n  {lines}\n ]')
    (HERE / name).write_text("{\n" + ",\n".join(parts) + "\n}\n")


def heavy(seed, count, scale=1.0):
    """Values with a heavy tail, short enough that every program reads the same number."""
    source = random.Random(seed)
    return [round(scale * source.paretovariate(1.2), 4) for _ in range(count)]


def bell(seed, count, mean, deviation):
    source = random.Random(seed)
    return [round(source.gauss(mean, deviation), 4) for _ in range(count)]


PAIRS = [
    (bell(1, 12, 10, 3), bell(2, 9, 12, 1)),
    (heavy(3, 20), heavy(4, 20, 0.7)),
    (heavy(5, 6, 100), bell(6, 40, 250, 4)),
    (bell(7, 3, 0, 1), bell(8, 2, 1, 0.1)),
    ([1e6 + v for v in bell(9, 50, 0, 1)], [1e6 + v for v in bell(10, 60, 0.4, 2)]),
    (bell(11, 150, 5, 2), bell(12, 900, 5.2, 2)),
    (bell(13, 400, 1, 1), bell(14, 120, 1.6, 1)),
]


def welch():
    """scipy's Welch test; its interval and p-values, all three alternatives."""
    from scipy import stats

    rows = []
    for control, treated in PAIRS:
        for alternative, alpha in (("two-sided", 0.05), ("greater", 0.01), ("less", 0.2)):
            found = stats.ttest_ind(treated, control, equal_var=False, alternative=alternative)
            low, high = found.confidence_interval(1 - alpha)
            rows.append(
                {
                    "control": control,
                    "treated": treated,
                    "alternative": alternative,
                    "alpha": alpha,
                    "p": found.pvalue,
                    "degrees": found.df,
                    "low": None if math.isinf(low) else low,
                    "high": None if math.isinf(high) else high,
                }
            )
    return rows


def student():
    """Tails of Welch's test with up to two million units by mpmath: equal arms, variance 1."""
    import mpmath

    mpmath.mp.dps = 50
    rows = []
    for half in (2, 5, 50, 500, 5_000, 500_001, 1_000_000, 20_000_000):
        for t in (0.1, 1.0, 1.8, 3.0, 7.5):
            degrees = mpmath.mpf(2 * half - 2)
            square = mpmath.mpf(t) ** 2
            # I_x(ν/2, ½) by the hypergeometric series, which has only positive terms.
            x = degrees / (degrees + square)
            a, b = degrees / 2, mpmath.mpf(1) / 2
            if degrees < 2e6:
                series = mpmath.hyp2f1(a + b, 1, a + 1, x)
                front = mpmath.exp(
                    a * mpmath.log(x) + b * mpmath.log(1 - x)
                    + mpmath.loggamma(a + b) - mpmath.loggamma(a) - mpmath.loggamma(b)
                ) / a
                p = front * series
            else:
                # The density, integrated.
                front = mpmath.exp(mpmath.loggamma(a + b) - mpmath.loggamma(a)) / mpmath.sqrt(
                    degrees * mpmath.pi
                )
                density = lambda u: front * mpmath.exp(-(a + b) * mpmath.log1p(u * u / degrees))
                p = 2 * mpmath.quad(density, [t, t + 1, t + 2, t + 4, t + 8, t + 30])
            rows.append([half, t, float(p)])
    return rows


def growthbook():
    """gbstats: absolute effects, sequential effects, ratios by the delta method, CUPED."""
    from gbstats.frequentist.tests import (
        FrequentistConfig,
        SequentialConfig,
        SequentialTwoSidedTTest,
        TwoSidedTTest,
    )
    from gbstats.models.statistics import (
        RatioStatistic,
        RegressionAdjustedStatistic,
        SampleMeanStatistic,
        compute_theta,
    )

    def mean(values):
        return SampleMeanStatistic(
            n=len(values), sum=math.fsum(values), sum_squares=math.fsum(v * v for v in values)
        )

    def products(a, b):
        return math.fsum(x * y for x, y in zip(a, b))

    sequential = []
    for control, treated in PAIRS:
        if min(len(control), len(treated)) < 100:
            continue
        for intended, alpha in ((5000, 0.05), (400, 0.01)):
            config = SequentialConfig(
                alpha=alpha, difference_type="absolute", sequential_tuning_parameter=intended
            )
            found = SequentialTwoSidedTTest(mean(control), mean(treated), config)
            low, high = found.confidence_interval
            sequential.append(
                {
                    "control": control, "treated": treated, "intended": intended, "alpha": alpha,
                    "low": low, "high": high, "p": found.p_value,
                }
            )

    ratios, cuped = [], []
    for seed, (n_control, n_treated) in enumerate(((10, 12), (40, 7), (200, 220))):
        sizes = [heavy(100 + seed, n_control), heavy(200 + seed, n_treated)]
        noise = [bell(300 + seed, n_control, 0.3, 0.1), bell(400 + seed, n_treated, 0.25, 0.1)]
        totals = [[round(s * e, 4) for s, e in zip(*arm)] for arm in zip(sizes, noise)]
        config = FrequentistConfig(alpha=0.05, difference_type="absolute")
        arms = [
            RatioStatistic(
                n=len(size), m_statistic=mean(total), d_statistic=mean(size),
                m_d_sum_of_products=products(total, size),
            )
            for size, total in zip(sizes, totals)
        ]
        found = TwoSidedTTest(*arms, config)
        low, high = found.confidence_interval
        ratios.append(
            {
                "control": list(zip(totals[0], sizes[0])),
                "treated": list(zip(totals[1], sizes[1])),
                "control_ratio": arms[0].mean, "treated_ratio": arms[1].mean,
                "standard_error": math.sqrt(found.variance), "low": low, "high": high,
            }
        )

        before = [bell(500 + seed, n_control, 5, 2), bell(600 + seed, n_treated, 5, 2)]
        values = [
            [round(0.8 * b + e, 4) for b, e in zip(b_arm, e_arm)]
            for b_arm, e_arm in zip(before, noise)
        ]
        arms = [
            RegressionAdjustedStatistic(
                n=len(v), post_statistic=mean(v), pre_statistic=mean(b),
                post_pre_sum_of_products=products(v, b), theta=0,
            )
            for v, b in zip(values, before)
        ]
        theta = compute_theta(*arms)
        for arm in arms:
            arm.theta = theta
        found = TwoSidedTTest(*arms, config)
        low, high = found.confidence_interval
        cuped.append(
            {
                "control": list(zip(values[0], before[0])),
                "treated": list(zip(values[1], before[1])),
                "theta": theta, "estimate": found.point_estimate, "p": found.p_value,
                "low": low, "high": high,
            }
        )
    return {"growthbook_sequential": sequential, "growthbook_ratio": ratios,
            "growthbook_cuped": cuped}


def randomization():
    """scipy's permutation test of Welch's t over all assignments."""
    from scipy import stats

    def t(treated, control, axis=-1):
        return stats.ttest_ind(treated, control, equal_var=False, axis=axis).statistic

    def size(treated, control, axis=-1):
        return abs(t(treated, control, axis))

    rows = []
    for control, treated in (
        (heavy(21, 5), heavy(22, 5, 0.4)),
        (heavy(23, 9), heavy(24, 4, 3)),
        (heavy(25, 3), heavy(26, 11, 2)),
        (bell(27, 7, 0, 1), bell(28, 7, 1.5, 2)),
    ):
        row = {"control": control, "treated": treated}
        for alternative, statistic in (("two-sided", size), ("greater", t), ("less", t)):
            row[alternative] = stats.permutation_test(
                (treated, control), statistic, vectorized=True, n_resamples=math.inf,
                alternative="less" if alternative == "less" else "greater",
            ).pvalue
        rows.append(row)
    return rows


def chacha_words(key):
    """The ChaCha20 key stream (RFC 8439's rounds, a nonce of zero and a 64-bit counter)."""
    mask = 0xFFFFFFFF
    words = [int.from_bytes(key[i : i + 4], "little") for i in range(0, 32, 4)]
    constants = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574]
    counter = 0
    while True:
        start = [*constants, *words, counter & mask, counter >> 32, 0, 0]
        state = list(start)

        def quarter(a, b, c, d):
            for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                state[x] = (state[x] + state[y]) & mask
                mixed = state[z] ^ state[x]
                state[z] = ((mixed << turn) | (mixed >> (32 - turn))) & mask

        for _ in range(10):
            for column in range(4):
                quarter(column, 4 + column, 8 + column, 12 + column)
            for row in range(4):
                quarter(row, 4 + (row + 1) % 4, 8 + (row + 2) % 4, 12 + (row + 3) % 4)
        yield from ((a + b) & mask for a, b in zip(state, start))
        counter += 1


def drawn():
    """The randomization test by draws, written a second time: what the key stream says."""
    from scipy import stats

    control, treated, key, draws = heavy(31, 30), heavy(32, 25, 0.6), bytes(range(32)), 999
    stream = chacha_words(key)

    def below(bound):
        reject = 2**64 % bound
        while True:
            word = next(stream) | next(stream) << 32
            product = word * bound
            if product % 2**64 >= reject:
                return product >> 64

    def size(values):
        return abs(stats.ttest_ind(values[:25], values[25:], equal_var=False).statistic)

    # Ours sorts each arm, so that the order of units does not matter.
    values = sorted(treated) + sorted(control)
    observed, extreme = size(values), 0
    for _ in range(draws):
        for place in range(25):
            other = place + below(len(values) - place)
            values[place], values[other] = values[other], values[place]
        extreme += size(values) >= observed * (1 - 1e-9)
    return {"control": control, "treated": treated, "key": list(key), "draws": draws,
            "p": (1 + extreme) / (1 + draws)}


def mixtures():
    """ville: one-sided and two-sided normal mixtures, with the precision given."""
    import numpy as np
    from ville._boundaries import normal_mixture

    rows = []
    for control, treated in PAIRS:
        if min(len(control), len(treated)) < 100:
            continue
        for intended, alpha in ((5000, 0.05), (300, 0.01)):
            n = len(control) + len(treated)
            twice = -2 * math.log(2 * alpha)
            rho = intended / (twice + math.log1p(twice))
            width = float(normal_mixture(n, alpha, rho, one_sided=True))
            c, t = np.array(control), np.array(treated)
            error = math.sqrt(c.var(ddof=1) / len(c) + t.var(ddof=1) / len(t))
            rows.append(
                {
                    "control": control, "treated": treated, "intended": intended, "alpha": alpha,
                    "low": float(t.mean() - c.mean()) - error * width / math.sqrt(n),
                    "high": float(t.mean() - c.mean()) + error * width / math.sqrt(n),
                }
            )
    return rows


def bernoulli():
    """ville's beta-binomial mixture, with Jeffreys' prior."""
    import numpy as np
    from ville import BernoulliCS, BernoulliTest

    rows = []
    for n, successes, alpha in (
        (1, 0, 0.05), (1, 1, 0.05), (5, 0, 0.05), (10, 10, 0.05), (50, 1, 0.05), (100, 40, 0.05),
        (1000, 300, 0.01), (20000, 19, 0.05), (100000, 50321, 0.001),
    ):
        x = np.array([1.0] * successes + [0.0] * (n - successes))
        cs = BernoulliCS(alpha=alpha, prior=(0.5, 0.5), intersect=False).update(x)
        low, high = cs.interval()
        test = BernoulliTest(p0=0.3, alpha=alpha, prior=(0.5, 0.5)).update(x)
        rows.append([n, successes, alpha, float(low), float(high), float(test.log_e_values_[-1])])
    return rows


def mixture_of_sums():
    """The same mixture for values in [0, 1], whose sum is no whole number, by mpmath."""
    import mpmath

    mpmath.mp.dps = 50
    rows = []
    for n, total, alpha in ((7, 2.25, 0.05), (30, 0.125, 0.025), (12, 11.75, 0.05),
                            (3_000_000, 1_200_000.5, 0.05)):
        n_, s, half = mpmath.mpf(n), mpmath.mpf(total), mpmath.mpf(1) / 2
        log_beta = lambda a, b: (
            mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(a + b)
        )
        marginal = log_beta(half + s, half + n_ - s) - log_beta(half, half)

        def gap(p):
            return (marginal - s * mpmath.log(p) - (n_ - s) * mpmath.log(1 - p)
                    + mpmath.log(mpmath.mpf(alpha)))

        middle = s / n_

        def edge(inside, outside):
            for _ in range(200):
                between = (inside + outside) / 2
                if gap(between) > 0:
                    outside = between
                else:
                    inside = between
            return inside

        rows.append([n, total, alpha, float(edge(middle, mpmath.mpf(0))),
                     float(edge(middle, mpmath.mpf(1)))])
    return rows


def betting():
    """ville's betting e-process: evidence against means, upward and downward."""
    import numpy as np
    from ville.sequential import BettingTest

    rows = []
    for values, alpha in (
        ([round(min(v / 20, 1.0), 4) for v in heavy(41, 60)], 0.05),
        ([float(v > 2) for v in heavy(42, 200)], 0.025),
        (bell(43, 40, 0.5, 0.02), 0.05),
        ([0.0] * 25, 0.05),
    ):
        tested = []
        for mean in (0.02, 0.1, 0.3, 0.5, 0.9):
            logs = {}
            for alternative in ("greater", "less"):
                test = BettingTest(m0=mean, alternative=alternative, alpha=alpha)
                logs[alternative] = float(test.update(np.array(values)).log_e_values_[-1])
            tested.append([mean, logs["greater"], logs["less"]])
        rows.append({"values": values, "alpha": alpha, "tested": tested})
    return rows


def sample_ratio():
    """savvi's sequential multinomial test and scipy's χ²; mpmath where savvi's exp overflows."""
    import mpmath
    import numpy as np
    from savvi.multinomial import Multinomial
    from scipy import stats

    mpmath.mp.dps = 50
    rows = []
    for weights, counts in (
        ([1, 1], [210, 390]), ([1, 1], [5010, 4990]), ([1, 1], [5300, 4700]), ([9, 1], [870, 130]),
        ([2, 1, 1], [480, 262, 258]), ([1, 1], [0, 3]), ([1, 1], [1, 0]),
        ([1, 1], [5_002_000, 4_998_000]), ([9, 1], [90_010_000, 9_990_000]),
    ):
        shares = [mpmath.mpf(w) / sum(weights) for w in weights]
        prior = [100 * s for s in shares]
        log_beta = lambda a: sum(map(mpmath.loggamma, a)) - mpmath.loggamma(sum(a))
        exact = (
            log_beta([a + n for a, n in zip(prior, counts)]) - log_beta(prior)
            - sum(n * mpmath.log(s) for n, s in zip(counts, shares))
        )
        theta = np.array([w / sum(weights) for w in weights])
        test = Multinomial(0.05, theta, k=100)
        test.update(np.array(counts))
        if sum(counts) < 20_000:
            assert math.isclose(math.log(test.odds), exact, rel_tol=1e-8, abs_tol=1e-8), counts
        chi = stats.chisquare(counts, [sum(counts) * float(s) for s in shares])
        rows.append({"weights": weights, "counts": counts, "ln_bayes_factor": float(exact),
                     "chi_squared": float(chi.statistic), "p": float(chi.pvalue)})
    return rows


def holm():
    from statsmodels.stats.multitest import multipletests

    rows = []
    for p in ([0.01, 0.04, 0.03], [0.2], [0.9, 0.001, 0.8, 0.0004, 0.03], [0.5, 0.5, 1.0, 0.0]):
        rows.append([p, list(map(float, multipletests(p, method="holm")[1]))])
    return rows


def non_inferiority():
    """statsmodels' Welch test of a margin."""
    from statsmodels.stats.weightstats import ttest_ind

    rows = []
    for control, treated in PAIRS[:4]:
        for margin in (0.0, 0.5, 3.0):
            row = {"control": control, "treated": treated, "margin": margin}
            for name, value, alternative in (
                ("increase_held", margin, "smaller"), ("increase_broken", margin, "larger"),
                ("decrease_held", -margin, "larger"), ("decrease_broken", -margin, "smaller"),
            ):
                row[name] = float(
                    ttest_ind(treated, control, usevar="unequal", value=value,
                              alternative=alternative)[1]
                )
            rows.append(row)
    # A relative margin is an absolute one with the control arm scaled.
    for control, treated in PAIRS[:3]:
        for share in (0.02, 0.25):
            row = {"control": control, "treated": treated, "share": share}
            more = [v * (1 + share) for v in control]
            less = [v * (1 - share) for v in control]
            row["increase_held"] = float(
                ttest_ind(treated, more, usevar="unequal", alternative="smaller")[1])
            row["decrease_held"] = float(
                ttest_ind(treated, less, usevar="unequal", alternative="larger")[1])
            rows.append(row)
    return rows


def power():
    """statsmodels' t test of equal arms; scipy's noncentral t where arms differ."""
    from scipy import stats
    from statsmodels.stats.power import TTestIndPower

    equal = []
    for units in (2, 5, 10, 100, 5000):
        for effect in (0.05, 0.3, 1.0, 2.5):
            for alternative, alpha in (("two-sided", 0.05), ("larger", 0.01)):
                found = TTestIndPower().power(effect, units, alpha, alternative=alternative)
                # It has no number for some powers that are one.
                if not math.isnan(found):
                    equal.append([units, effect, alternative, alpha, float(found)])
    unequal = []
    for n_c, n_t, s_c, s_t in ((18, 2, 1.0, 1.0), (180, 20, 1.0, 3.0), (7, 13, 2.0, 0.5)):
        parts = s_c**2 / n_c, s_t**2 / n_t
        error = math.sqrt(sum(parts))
        degrees = sum(parts) ** 2 / (parts[0] ** 2 / (n_c - 1) + parts[1] ** 2 / (n_t - 1))
        for effect in (0.5, 2.0):
            shift, edge = effect / error, stats.t.isf(0.025, degrees)
            found = stats.nct.sf(edge, degrees, shift) + stats.nct.cdf(-edge, degrees, shift)
            unequal.append([n_c, n_t, s_c, s_t, effect, float(found)])
    needed = []
    for effect, wanted in ((0.3, 0.8), (1.0, 0.9), (0.05, 0.8)):
        units = TTestIndPower().solve_power(effect, None, 0.05, wanted)
        needed.append([effect, wanted, 2 * math.ceil(units)])
    return {"power_equal": equal, "power_unequal": unequal, "units_needed": needed}


def label_noise():
    """Rogan and Gladen's formula, by exact fractions, at all corners."""
    from fractions import Fraction as F

    rows = []
    for low, high, sensitivity, specificity in (
        ("0.10", "0.20", ("0.6", "0.7", "0.9"), ("0.95", "0.97", "0.99")),
        ("0.02", "0.30", ("0.8", "0.8", "0.8"), ("0.9", "0.9", "0.9")),
        ("0.50", "0.95", ("0.6", "0.75", "0.9"), ("0.8", "0.9", "1.0")),
    ):
        true = lambda q, se, sp: min(F(1), max(F(0), (q + sp - 1) / (se + sp - 1)))
        corners = [
            true(F(q), F(se), F(sp))
            for q in (low, high)
            for se in sensitivity[::2]
            for sp in specificity[::2]
        ]
        rows.append(
            {
                "low": float(low), "high": float(high),
                "sensitivity": list(map(float, sensitivity)),
                "specificity": list(map(float, specificity)),
                "point": float(true(F(low), F(sensitivity[1]), F(specificity[1]))),
                "least": float(min(corners)), "most": float(max(corners)),
            }
        )
    return rows


def confseq():
    from confseq import boundaries

    normal = []
    for v, alpha, v_opt in ((100, 0.05, 100), (2100, 0.05, 5000), (250, 0.01, 1000),
                            (100000, 0.001, 500)):
        normal.append(
            [v, alpha, v_opt,
             boundaries.normal_mixture_bound(v, alpha, v_opt, alpha, False),
             boundaries.normal_mixture_bound(v, alpha, v_opt, alpha, True)]
        )
    return {"normal": normal}


if __name__ == "__main__":
    if sys.argv[1:] == ["confseq"]:
        write("stats_confseq.json", "confseq 0.0.11, boundaries.normal_mixture_bound", confseq())
    else:
        write(
            "stats.json",
            "gbstats 0.8.0 (growthbook_*), ville 0.1.0 (mixtures, bernoulli, betting), savvi 0.2.0 "
            "and scipy 1.17.1 (sample_ratio), scipy 1.17.1 (welch, randomization, power_unequal), "
            "statsmodels 0.15.0 (holm, non_inferiority, power_equal, units_needed), mpmath 1.4.1 "
            "with 50 digits (student, mixture_of_sums, sample_ratio), this script (drawn, "
            "label_noise)",
            {
                "pairs": [list(pair) for pair in PAIRS],
                "welch": welch(),
                "student": student(),
                **growthbook(),
                "randomization": randomization(),
                "drawn": drawn(),
                "mixtures": mixtures(),
                "bernoulli": bernoulli(),
                "mixture_of_sums": mixture_of_sums(),
                "betting": betting(),
                "sample_ratio": sample_ratio(),
                "holm": holm(),
                "non_inferiority": non_inferiority(),
                **power(),
                "label_noise": label_noise(),
            },
        )
