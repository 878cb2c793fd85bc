"""The claim whose probability a sensitivity analysis follows: benefit, or for a harm outcome harm."""

from dataclasses import dataclass

from bayes_ivig.evidence import Evidence
from bayes_ivig.spec import Model


@dataclass(frozen=True)
class Claim:
    """mu lies `above` 0 or below it; `word` is what that means to a reader, benefit or harm."""

    word: str
    above: bool

    @property
    def column(self) -> str:
        """Name of its probability in tables: p_benefit or p_harm."""
        return f"p_{self.word}"

    def probability[X: (float, object)](self, p_gt_0: X) -> X:
        """Return its probability from P(mu > 0), a number or an array."""
        return p_gt_0 if self.above else 1 - p_gt_0  # type: ignore[operator]


def claim_of(evidence: Evidence, model: Model) -> Claim | None:
    """Return the claim, None for rates and where the good direction is unknown."""
    if evidence.benefit is None or model.likelihood == "single-arm":
        return None
    is_harm = evidence.role == "harm"
    return Claim("harm" if is_harm else "benefit", (evidence.benefit == "higher") != is_harm)
