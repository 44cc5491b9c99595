"""The demonstration: a small hotel, applied from a site file, with credentials and photographs to try every command."""

import io
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from countenance.cli.house import address, loading, read_file, settings, start_logging
from countenance.errors import NotAllowedError
from countenance.vocabulary import Role

if TYPE_CHECKING:
    from countenance.app import Opened
    from countenance.sites.declaration import Site

#: The member of staff who is invited to the demonstration's console.
_OFFICER = "officer"
_COMMANDS = """
Serving on {address} — leave this running and open another terminal in {here}.
Data directory: {data} (database, keys, credentials; delete it to begin again)

Paste these, one after the other:

  export {environment}COUNTENANCE_TOKEN_FILE={kiosk}
  {command} verify {guest} -s guest-1 -p {purpose} {session}
      refused: nobody asked the guest (draft article 5, measures article 6)
  {command} consent guest-1 -p {purpose} --notice 1 --age adult {scopes}
  {command} enrol {guest} -s guest-1 -p {purpose} {session}
  {command} verify {again} -s guest-1 -p {purpose} {session}
      match, on another photograph of the same guest
  {command} verify {again} -s guest-1 -p {purpose} --started-by passive --not-prompted --not-offered
      refused: nobody may be verified in passing (draft article 9)
  CONSENT=$({command} consent -q -p {purpose} --notice 1 --scope identify)
  {command} identify {again} -p {purpose} {session} --consent $CONSENT
      match: guest-1
  {command} withdraw guest-1 -p {purpose}
      the key and the template are destroyed
  {command} verify {again} -s guest-1 -p {purpose} {session}
      refused again, from this moment on
  COUNTENANCE_TOKEN_FILE={officer} {command} erase guest-1
  COUNTENANCE_TOKEN_FILE={officer} {command} records
      everything above, with its articles, and no name in it

In a browser on this machine:

  {pairing}
      the guest's way, at the kiosk (this browser becomes the kiosk; a camera helps)
  {console}
      the officer's console; choose a password there (the link works once, for a day)

Stop with Ctrl-C.
"""


def demo_command(
    site: Annotated[Path, typer.Option("--site", help="The site file to apply.")] = Path("examples/hotel.yaml"),
) -> None:
    """Apply a small demonstration hotel, serve it, and print commands to try."""
    from countenance.app import keys, now, open_house, serve
    from countenance.operations.declare import declare
    from countenance.sites.declaration import read_site

    chosen = settings()
    start_logging("warning" if chosen.log_level == "info" else chosen.log_level)
    declared = read_site(read_file(site))
    typer.echo(f"Countenance demonstration; data directory {chosen.data_dir.resolve()}")
    typer.echo("Starting the database, loading the law, testing the engine …")
    with open_house(chosen, loading) as opened:
        changes = declare(opened.house.database, keys(chosen), opened.house.packs, declared, now())
        typer.echo(f"{declared.operator.name}: {len(changes)} changes applied from {site}.")
        folder = chosen.data_dir / "demo"
        folder.mkdir(mode=0o700, exist_ok=True)
        credentials = _credentials(opened, declared, folder)
        _open_for_guests(opened, declared, folder)
        photographs = _photographs(folder)
        text = _COMMANDS.format(
            address=address(chosen),
            here=Path.cwd(),
            data=chosen.data_dir.resolve(),
            environment=f"COUNTENANCE_URL={address(chosen)} " if chosen.port != 8000 else "",  # noqa: PLR2004 — the default
            command=_command(),
            kiosk=credentials[Role.DEVICE],
            officer=credentials[Role.OFFICER],
            guest=photographs[0],
            again=photographs[1],
            purpose=next(iter(declared.purposes)),
            scopes="--scope enrol --scope off_device_storage --scope verify --scope identify",
            session="--started-by subject --prompted --offered",
            **_links(opened, declared, folder),
        )
        serve(opened, lambda: typer.echo(text))


def _command() -> str:
    """Return how this command line was called, so that what is printed works where it is pasted."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{_short(Path(sys.executable))} -m countenance"
    return "countenance" if shutil.which("countenance") else str(_short(called))


def _short(path: Path) -> Path:
    """Return `path` as seen from here, where it lies below here."""
    here = Path.cwd()
    resolved = path if path.is_absolute() else here / path
    return resolved.relative_to(here) if resolved.is_relative_to(here) else resolved


def _credentials(opened: "Opened", site: "Site", folder: Path) -> dict[Role, Path]:
    """Return the files with the demonstration's credentials, issued where the last start's no longer work."""
    from countenance.access import authenticate
    from countenance.app import now, private_file
    from countenance.operations.credentials import issue, record_credential

    places = [place for venue in site.venues.values() for place in venue.places.values()]
    kiosk = next(name for place in places for name in place.devices)
    found: dict[Role, Path] = {}
    for role, device in ((Role.DEVICE, kiosk), (Role.OFFICER, None), (Role.REGULATOR, None)):
        file = folder / f"{role.value}.token"
        found[role] = _short(file)
        with opened.house.database.transaction() as tx:
            try:
                authenticate(tx, file.read_text(encoding="utf-8").strip() if file.exists() else None, now())
            except NotAllowedError:
                at = now()
                issued = issue(tx, site.operator.id, role, label="demonstration", at=at, device_id=device)
                record_credential(tx, site.operator.id, "console", "issued", issued.credential_id, role.value, at)
                private_file(file, issued.token + "\n")
    return found


def _links(opened: "Opened", site: "Site", folder: Path) -> dict[str, str]:
    """Return the addresses that open the pages: one pairs a browser as kiosk, one invites an officer."""
    from countenance.app import now
    from countenance.operations.sign_in import address as invitation
    from countenance.operations.sign_in import invite, pairing
    from countenance.operations.staff import add_staff
    from countenance.store import sign_ins, staff

    house, operator_id, here = opened.house, site.operator.id, address(opened.settings)
    token = (folder / f"{Role.DEVICE.value}.token").read_text(encoding="utf-8").strip()
    places = [place for venue in site.venues.values() for place in venue.places.values()]
    kiosk = next(name for place in places for name in place.devices)
    with house.database.transaction() as tx:
        if staff.find(tx, operator_id, _OFFICER) is None:
            add_staff(tx, operator_id, "console", _OFFICER, "The protection officer", now())
        signs_in = sign_ins.find(tx, operator_id, _OFFICER)
        if signs_in is not None and signs_in.password is not None:
            console = f"{here}/console"
        else:
            made = invite(tx, house.vault(operator_id), operator_id, "console", _OFFICER, now())
            console = invitation(here, made.token)
    return {"pairing": pairing(here, kiosk, token), "console": console}


def _open_for_guests(opened: "Opened", site: "Site", folder: Path) -> None:
    """Activate the purposes and register the devices where they are not, as the demonstration's officer.

    The law is asked as it is of anybody; what it refuses stays refused, and is on record. What was deactivated or
    unregistered in the demonstration is opened again at its next start.
    """
    from countenance.access import authenticate
    from countenance.app import now
    from countenance.operations.activate import activate, register
    from countenance.store import activations

    token = (folder / f"{Role.OFFICER.value}.token").read_text(encoding="utf-8").strip()
    with opened.house.database.transaction() as tx:
        officer = authenticate(tx, token, now())
        active = activations.active(tx, site.operator.id)
        registered = activations.registered(tx, site.operator.id)
    for purpose in set(site.purposes) - set(active):
        activate(opened.house, officer, purpose)
    places = [place for venue in site.venues.values() for place in venue.places.values()]
    devices = [name for place in places for name in place.devices]
    for device in devices:
        if device not in registered and site.purposes:
            register(opened.house, officer, device, next(iter(site.purposes)))


def _photographs(folder: Path) -> tuple[Path, Path]:
    """Return two photographs of one person in the public domain: one that a package brings, and a variation of it."""
    first, second = folder / "guest.jpg", folder / "guest-again.jpg"
    if not (first.exists() and second.exists()):
        from matplotlib.cbook import get_sample_data

        data = Path(str(get_sample_data("grace_hopper.jpg", asfileobj=False))).read_bytes()
        first.write_bytes(data)
        second.write_bytes(_varied(data))
    return _short(first), _short(second)


def _varied(data: bytes) -> bytes:
    """Return the photograph as another camera might have taken it: turned, cropped, smaller and darker."""
    from PIL import Image, ImageEnhance

    with Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
        turned = picture.rotate(4, Image.Resampling.BICUBIC).crop((30, 20, 480, 580)).resize((360, 448))
        darker = ImageEnhance.Brightness(turned).enhance(0.8)
    into = io.BytesIO()
    darker.save(into, "JPEG", quality=85)
    return into.getvalue()
