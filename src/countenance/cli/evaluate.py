"""`countenance evaluate`: how well the engine does on a named data set, and the calibration of its card."""

import json
import os
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countenance.errors import MalformedError

if TYPE_CHECKING:
    from countenance.evaluate import Evaluation


def evaluate_command(
    pairs: Annotated[Path, typer.Argument(help="CSV with the columns file_a, file_b, same (1 or 0).")],
    images: Annotated[Path, typer.Option(help="The folder to which the files in the list are relative.")],
    *,
    plot: Annotated[Path | None, typer.Option(help="Write the DET curve to this PNG.")] = None,
    calibrate: Annotated[Path | None, typer.Option(help="The extractor's model card to write thresholds to.")] = None,
    data_set: Annotated[str, typer.Option(help="The name of the data set, for the card.")] = "",
    day: Annotated[str, typer.Option(help="The day of the calibration, YYYY-MM-DD, for the card.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Measure FMR, FNMR, EER, accuracy and failures to acquire; find the threshold for each target FMR.

    Nothing is enrolled and no law is asked: measure only pictures that you may use for research.
    """
    if calibrate is not None:
        _hold_label(data_set, day)
    from countenance.engines import load_engine
    from countenance.evaluate import calibration, evaluate, read_pairs, write_calibration
    from countenance.evaluate import plot as draw
    from countenance.settings import read_settings

    settings = read_settings(os.environ)
    listed = read_pairs(pairs)
    engine = load_engine(
        settings.data_dir,
        runtime=settings.engine_runtime,
        threads=settings.engine_threads * settings.engine_workers,  # one picture at a time gets them all
        workers=1,
        cuda=settings.engine_cuda,
        detector_card=settings.detector_card,
        extractor_card=calibrate or settings.extractor_card,
    )
    with typer.progressbar(length=1, label="Pictures", file=sys.stderr) as bar:

        def progress(done: int, of: int) -> None:
            bar.length = of
            bar.update(done - bar.pos)

        found = evaluate(listed, images, engine, progress)
    if plot is not None:
        draw(found, plot)
    if calibrate is not None:
        write_calibration(calibrate, calibration(found, data_set, day))
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        typer.echo(_table(found))


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
