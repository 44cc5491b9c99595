"""See that what the tests want of the system is there, and where it is not, and this may be done, install Debian's.

A browser for the pages, SoftHSM, which is a hardware security module without the hardware, a PostgreSQL that speaks
TLS, which the one out of the wheel does not, and Go with its checksum database, which checks our log. Standard library
only.
Run by the continuous integration; elsewhere those tests say what is missing and are skipped.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

#: Under any of these names a browser serves; Playwright's own is not needed.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Where Debian keeps the programs of PostgreSQL, each version in a folder of its own.
PROGRAMS = Path("/usr/lib/postgresql")
#: Read by Debian's PostgreSQL while it is installed. The tests make a server of their own, and want no other beside it.
NO_SERVER = Path("/etc/postgresql-common/createcluster.d/countenance.conf")
#: Go's checksum database, as Debian's golang-golang-x-mod-dev brings it.
SUMDB = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog")


def missing() -> list[str]:
    """Return the packages of Debian's that bring what is not there."""
    named = os.environ.get("CHROMIUM")
    browser = any(shutil.which(name) for name in ([named] if named else BROWSERS))
    module = shutil.which("softhsm2-util") is not None
    database = any(PROGRAMS.glob("*/bin/initdb"))
    wanted = [] if browser else ["chromium", "fonts-noto-cjk"]
    if shutil.which("go") is None or not SUMDB.is_dir():
        wanted += ["golang-go", "golang-golang-x-mod-dev"]
    return wanted + ([] if module else ["softhsm2"]) + ([] if database else ["postgresql"])


def apt(*words: str) -> None:
    """Run Debian's installer; it asks nothing."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", *words], env=environment, check=False, stdout=subprocess.DEVNULL)


def main() -> int:
    """Install what is missing, or say so. What fails here is said again by the tests that need it."""
    wanted = missing()
    if not wanted:
        print("The tests find a browser, SoftHSM, PostgreSQL and Go.")
        return 0
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print(f"Not here, and not to be installed by this user: {', '.join(wanted)}.", file=sys.stderr)
        return 0
    print(f"Installing Debian's packages for the tests: {', '.join(wanted)}.", flush=True)
    apt("update", "-qq")
    apt("install", "-y", "-qq", *(name for name in wanted if name != "postgresql"))
    if "postgresql" in wanted:
        NO_SERVER.parent.mkdir(parents=True, exist_ok=True)
        NO_SERVER.write_text("create_main_cluster = false\n", encoding="ascii")
        apt("install", "-y", "-qq", "--no-install-recommends", "postgresql")  # those bring a mail server along
        NO_SERVER.unlink()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
