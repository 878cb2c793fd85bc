"""The audit of anything at all is an answer or one sentence: no crash, no warning, plain JSON, a table."""

import io
import json
import random

import numpy as np
import pytest

from bayes_ivig.audit.review import audit_one
from bayes_ivig.errors import InputError
from bayes_ivig.evidence import Evidence
from bayes_ivig.present import console
from bayes_ivig.present_audit import audit_view
from bayes_ivig.published import MEASURES, Published
from bayes_ivig.studies import Effect, Means, Paired, PairedMargins, SingleArm, TwoArm

NUMBERS = ("0", "0.00", "1", "1.00", "-1.5", "0.05", "100", "250", "12", "3.1", "0.5", "1e3", "-0", "1.37")
COUNTS = (None, None, "0", "1", "5", "20", "40")
KINDS = ("two-arm", "two-arm", "pairs", "margins", "effect", "means", "single-arm")


def study(kind, name, rng):
    def n(low=0, high=40):
        return int(rng.integers(low, high))

    a, b = n(), n()
    match kind:
        case "two-arm":
            participants = (None, max(a, b), a + b)[n(0, 3)]
            return TwoArm(name, n(0, a + 1), a, n(0, b + 1), b, participants)
        case "pairs":
            return Paired(name, n(0, 5), n(0, 5), n(0, 5), n(0, 5))
        case "margins":
            return PairedMargins(name, n(0, a + 1), n(0, a + 1), a)
        case "effect":
            return Effect(name, 3 * rng.normal(), rng.exponential() + 0.01, (None, a)[n(0, 2)])
        case "means":
            return Means(
                name, rng.normal(), rng.exponential() + 0.1, a + 2, rng.normal(), rng.exponential() + 0.1, b + 2
            )
    return SingleArm(name, n(0, a + 1), a)


def printed(name, first, pick):
    def number():
        return pick((None, pick(NUMBERS)))

    return Published(
        name, "label", pick(MEASURES), "unknown", pick((None, *NUMBERS)),
        pick((None, (pick(NUMBERS), pick(NUMBERS)), ("", pick(NUMBERS)), (pick(NUMBERS), ""))),
        pick((False, False, True)), pick((None, None, (first,), ())), pick(("t", "c", "difference", None)),
        p=pick((None, "0.03", "<0.001", ">0.05", "1", "0", "0.000", "2")), method=pick(("", "fixed")),
        participants=pick(COUNTS), trials=pick((None, (first,), ("elsewhere",))), same_as=pick((None, "0", "zz")),
        events_t=pick(COUNTS), n_t=pick(COUNTS), events_c=pick(COUNTS), n_c=pick(COUNTS),
        mean_t=number(), mean_c=number(), spread_t=number(), spread_c=number(),
        spread=pick((None, "SD", "SE", "unnamed")),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(120))
def test_whatever_is_printed(seed):
    rng, pick = np.random.default_rng(seed), random.Random(seed).choice
    kind = pick(KINDS)
    studies = tuple(study(kind, f"s{i}", rng) for i in range(1 + seed % 4))
    evidence = Evidence("user", "one", studies, measure=pick((None, "MD")))
    results = [printed(str(i), "s0", pick) for i in range(1 + seed % 3)]
    needs_arm = any(p.measure in ("percent", "per-100", "count") and p.arm is None for p in results)
    try:
        answer = audit_one(evidence, results, enumerate_all=seed % 10 == 0)
    except InputError:
        if needs_arm:
            return
        raise
    assert json.loads(json.dumps(answer.to_json()))["n_published"] == len(results)
    console(file=io.StringIO(), width=100).print(audit_view(answer))
