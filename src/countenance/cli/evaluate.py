"""`countenance evaluate`: how well the engine does on a named data set, and the calibration of its card."""

import json
import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countenance.cli.bars import bar
from countenance.errors import MalformedError

if TYPE_CHECKING:
    from countenance.engines import Engine
    from countenance.evaluate import Evaluation
    from countenance.evaluate.attacks import AttackEvaluation, Presentations


def evaluate_command(
    pairs: Annotated[
        Path | None, typer.Argument(metavar="[PAIRS]", help="CSV with the columns file_a, file_b, same (1 or 0).")
    ] = None,
    *,
    images: Annotated[Path | None, typer.Option(help="The folder to which the files in the list are relative.")] = None,
    attacks: Annotated[
        Path | None,
        typer.Option(help="A folder of bona fide and attack presentations: measure the attack checks instead."),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Write the DET curve to this PNG.")] = None,
    calibrate: Annotated[Path | None, typer.Option(help="The extractor's model card to write thresholds to.")] = None,
    data_set: Annotated[str, typer.Option(help="The name of the data set, for the card.")] = "",
    day: Annotated[str, typer.Option(help="The day of the calibration, YYYY-MM-DD, for the card.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Measure FMR, FNMR, EER, accuracy and failures to acquire; find the threshold for each target FMR.

    With --attacks, measure APCER for each attack species, BPCER, and how many presentations gave no answer.
    Nothing is enrolled and no law is asked: measure only pictures that you may use for research.
    """
    if attacks is not None and (pairs, images, plot, calibrate) == (None, None, None, None):
        _evaluate_attacks(attacks, as_json=as_json)
        return
    if pairs is None or images is None or attacks is not None:
        raise MalformedError(
            "Give a list of pairs with --images, or a folder with --attacks, and not both.",
            "请提供配对表与 --images，或以 --attacks 指定文件夹，二者择一。",
        )
    if calibrate is not None:
        _hold_label(data_set, day)
    from countenance.evaluate import calibration, evaluate, read_pairs, write_calibration
    from countenance.evaluate import plot as draw

    listed = read_pairs(pairs)
    engine = _engine(calibrate)
    with bar("Pictures") as progress:
        found = evaluate(listed, images, engine, progress)
    if plot is not None:
        draw(found, plot)
    if calibrate is not None:
        write_calibration(calibrate, calibration(found, data_set, day))
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        typer.echo(_table(found))


def _evaluate_attacks(folder: Path, *, as_json: bool) -> None:
    from countenance.evaluate.attacks import evaluate_attacks

    engine = _engine(None)
    with bar("Samples") as progress:
        found = evaluate_attacks(folder, engine, progress)
    typer.echo(json.dumps(found.as_json(), indent=2) if as_json else _attack_table(found))


def _engine(extractor_card: Path | None) -> "Engine":
    from countenance.engines import load_engine
    from countenance.settings import read_settings

    settings = read_settings(os.environ)
    return load_engine(
        settings.data_dir,
        runtime=settings.engine_runtime,
        threads=settings.engine_threads * settings.engine_workers,  # one picture at a time gets them all
        workers=1,
        cuda=settings.engine_cuda,
        detector_card=settings.detector_card,
        extractor_card=extractor_card or settings.extractor_card,
        attack_card=settings.attack_card,
    )


def _attack_table(found: "AttackEvaluation") -> str:
    """Return the error rates of the attack checks as lines for a person; there is no mean over species."""
    checks = "; ".join(", ".join(f"{value}" for value in check.as_json().values()) for check in found.checks)
    lines = [
        f"checks                {checks or 'none'}",
        "",
        f"{'':<24} {'rate (95 %, Wilson)':<30} {'wrong / answered':<16} no response",
        *(_attack_line("APCER", each) for each in found.species),
        _attack_line("BPCER", found.bona_fide),
        "",
    ]
    worst = found.worst
    rate = worst.rate() if worst is not None else None
    if worst is None or rate is None:
        return "\n".join([*lines, "APCER max             not measured: no attack gave an answer"])
    return "\n".join([*lines, f"APCER max             {rate[0]:.2%} by {worst.kind}, at most {rate[2]:.2%}"])


def _attack_line(name: str, found: "Presentations") -> str:
    rate = found.rate()
    said = "not measured" if rate is None else f"{rate[0]:.2%} ({rate[1]:.2%} … {rate[2]:.2%})"
    answered = found.total - found.no_response
    return (
        f"{name} {found.kind:<18.18} {said:<30} {found.wrong:>5} / {answered:<8} {found.no_response / found.total:.2%}"
    )


def _hold_label(data_set: str, day: str) -> None:
    """Refuse a calibration that would not say on what and when it was made."""
    try:
        date.fromisoformat(day)
    except ValueError:
        day = ""
    if not data_set or not day:
        raise MalformedError(
            "A calibration names its data set and its day; give --data-set NAME and --day YYYY-MM-DD.",
            "校准须注明数据集与日期；请提供 --data-set 名称与 --day YYYY-MM-DD。",
        )


def _table(found: "Evaluation") -> str:
    """Return the figures as lines for a person."""
    lines = [
        f"model                 {found.model_id}",
        f"samples / subjects    {found.samples} / {found.subjects}",
        f"failures to acquire   {found.failures_to_acquire}",
        f"target not isolated   {found.targets_not_isolated}  (a server would refuse these)",
        f"comparisons           {found.mated} mated, {found.non_mated} non-mated",
        f"accuracy on the list  {found.accuracy.best:.2%} at best, {found.accuracy.ten_fold:.2%} ten-fold",
        f"EER                   {found.eer:.2%}",
        "",
        "target FMR   threshold    FMR (95 % interval, Wilson)          FNMR",
    ]
    lines += [_line(one) for one in found.operating]
    return "\n".join(lines)


def _line(one: Any) -> str:
    row = one.row
    return (
        f"{row.fmr_target:<10.0e} {row.score:>11.6f}    {row.fmr:.2e} ({one.fmr_lower:.2e} … {row.fmr_upper:.2e})"
        f"     {row.fnmr:.2%}"
    )
