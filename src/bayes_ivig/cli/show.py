"""The commands that list and show what is shipped: data, models, priors."""

from typing import Annotated

import typer

from bayes_ivig.cli.options import DEFAULT_REVIEW, Outcome, ReviewOption

data_app = typer.Typer(help="The evidence: reviews, outcomes, trials and their sources.", no_args_is_help=True)
models_app = typer.Typer(help="The model files: likelihood, measure, priors, sampler.", no_args_is_help=True)
priors_app = typer.Typer(help="The cited table of named priors.", no_args_is_help=True)


@data_app.command("list")
def data_list() -> None:
    """List the shipped reviews and their outcomes."""
    from bayes_ivig.reviews import list_reviews, load_review

    for name in list_reviews():
        review = load_review(name)
        print(f"{name}  {review.title}; {review.edition}")
        for outcome, entry in review.tables.items():
            print(f"    {outcome:36}{entry['title']} ({', '.join(entry['data'])})")


@data_app.command("show")
def data_show(outcome: Outcome, review: ReviewOption = None) -> None:
    """Show the trials of an outcome with their sources, readings, published results and known faults."""
    from bayes_ivig.formats import is_file_argument, load_file, split_outcome
    from bayes_ivig.present import console
    from bayes_ivig.present_data import evidence_view, file_view
    from bayes_ivig.reviews import load_review

    if is_file_argument(outcome):
        path, name = split_outcome(outcome)
        console().print(file_view(load_file(path, outcome=name)))
        return
    console().print(evidence_view(load_review(review or DEFAULT_REVIEW), outcome))


@models_app.command("list")
def models_list() -> None:
    """List the shipped model files."""
    import tomllib

    from bayes_ivig.shipped import shipped_folder

    for file in sorted(shipped_folder("models").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            print(f"{file.name[:-5]:32}{tomllib.loads(file.read_text('utf-8'))['about']}")


@models_app.command("show")
def models_show(name: Annotated[str, typer.Argument(help="A name from 'models list'.")]) -> None:
    """Print a model file; save it, change it, and pass its path to --model."""
    from bayes_ivig.shipped import shipped_folder
    from bayes_ivig.spec import load_model

    load_model(name)  # refuses an unknown name
    print((shipped_folder("models") / f"{name}.toml").read_text("utf-8"), end="")


@priors_app.command("list")
def priors_list(
    search: Annotated[
        str, typer.Argument(help="Only priors whose name, scale or outcome type contains this text.")
    ] = "",
) -> None:
    """List the named priors: name, parameter, scale, density, outcome type."""
    from bayes_ivig.named_priors import named_priors

    for prior in named_priors():
        line = f"{prior.name:32}{prior.target:5}{prior.scale:18}{prior.prior.text:34}{prior.outcome_type}"
        if search.casefold() in line.casefold():
            print(line.rstrip())


@priors_app.command("show")
def priors_show(
    name: Annotated[str, typer.Argument(help="A named prior, or any prior text such as 'half-normal(0.5)'.")],
) -> None:
    """Show a prior: density, median and 95% range, and its citation."""
    from bayes_ivig.present import console
    from bayes_ivig.present_data import prior_view

    console().print(prior_view(name))
