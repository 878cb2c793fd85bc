"""One file a likelihood: how the data of each study depend on its effect theta_i.

Every module of this package offers the same few functions, each of them pure:

`make_data(studies, measure)`
    the studies as arrays;
`pymc_block(pm, place, hierarchy, data, model)`
    the PyMC variables of the nuisance parameters and the likelihood, built with the `pm` module handed to it;
`derive(draws, data, model)`
    what follows from the parameters, one array a quantity (the risks of both arms, say);
`draw_nuisance(theta, model, rng)`
    nuisance parameters drawn from their priors;
`predict(draws, data, rng)` and `log_likelihood(draws, data)`
    replicated data, and the log likelihood of each study, given parameter draws;
`log_integrated(study, model, theta)`
    the log likelihood of one study at many effects, nuisance parameters integrated out, every constant included;
`draw_given_theta(study, model, theta, rng)`
    independent draws of those parameters given the study's data and each effect.

Beside them: `plackett` (the cells of paired outcomes), `hypergeometric` (tables with given totals), `axis` and `plane`
(priors on a line, integrals over a plane), `paired_integral` (the crossover likelihood integrated), and `discordant`,
the OR within patients, a second analysis of paired data that no `--model` names.

Draws are dictionaries of arrays whose last axis runs over studies where a quantity has one per study.
"""

from collections.abc import Mapping
from types import ModuleType

from bayes_ivig.profiles import binomial, conditional, crossover, normal, single_arm

LIKELIHOODS: Mapping[str, ModuleType] = {
    "binomial": binomial,
    "conditional": conditional,
    "crossover": crossover,
    "normal": normal,
    "single-arm": single_arm,
}
