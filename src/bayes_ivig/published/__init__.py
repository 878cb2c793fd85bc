"""Published results, and the methods that reproduce them to every printed decimal."""

from bayes_ivig.published.answers import chosen_studies
from bayes_ivig.published.printed import EXPECTED, MEASURES, POOLED, Published, rounding
from bayes_ivig.published.reproduce import Reproduction, reproduce

__all__ = ["EXPECTED", "MEASURES", "POOLED", "Published", "Reproduction", "chosen_studies", "reproduce", "rounding"]
