import arviz_base
import numpy as np
import pytest
import xarray as xr

from bayes_ivig.diagnostics import check_sampling


def tree(mu: np.ndarray, diverging: int = 0, energy: np.ndarray | None = None) -> xr.DataTree:
    chains, draws = mu.shape
    rng = np.random.default_rng(5)
    flags = np.zeros((chains, draws), bool)
    flags[0, :diverging] = True
    groups = {
        "posterior": {"mu": mu, "constant": np.zeros_like(mu)},
        "sample_stats": {
            "diverging": flags,
            "energy": rng.standard_normal((chains, draws)) if energy is None else energy,
        },
    }
    return arviz_base.from_dict(groups)


def healthy() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((4, 1000))


def failed(result) -> list[str]:
    return [check.name for check in result if not check.passed]


def test_healthy_draws_pass():
    assert failed(check_sampling(tree(healthy()))) == []


def test_a_chain_elsewhere_fails_r_hat():
    mu = healthy()
    mu[3] += 2
    assert "R-hat, largest" in failed(check_sampling(tree(mu)))


def test_sticky_chains_fail_the_effective_sample_size():
    mu = np.repeat(np.random.default_rng(2).standard_normal((4, 40)), 25, axis=1)
    assert {"bulk ESS, smallest", "tail ESS, smallest", "MCSE of mu, in posterior SDs"} <= set(
        failed(check_sampling(tree(mu)))
    )


def test_one_divergence_fails():
    result = check_sampling(tree(healthy(), diverging=1))
    assert failed(result) == ["divergent transitions"]


def test_slow_energy_fails_bfmi():
    energy = np.cumsum(np.random.default_rng(3).standard_normal((4, 1000)), axis=1)
    assert failed(check_sampling(tree(healthy(), energy=energy))) == ["E-BFMI, smallest"]


@pytest.mark.parametrize("check", check_sampling(tree(healthy())), ids=lambda check: check.name)
def test_every_check_has_a_limit_and_a_remedy(check):
    assert np.isfinite(check.value)
    assert check.hint
