"""See that what the tests want of the system is there, and where it is not, and this may be done, install Debian's.

A browser for the pages, and SoftHSM, which is a hardware security module without the hardware. Standard library only.
Run by the continuous integration; elsewhere those tests say what is missing and are skipped.
"""

import os
import shutil
import subprocess
import sys

#: Under any of these names a browser serves; Playwright's own is not needed.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def missing() -> list[str]:
    """Return the packages of Debian's that bring what is not there."""
    named = os.environ.get("CHROMIUM")
    browser = any(shutil.which(name) for name in ([named] if named else BROWSERS))
    module = shutil.which("softhsm2-util") is not None
    return ([] if browser else ["chromium", "fonts-noto-cjk"]) + ([] if module else ["softhsm2"])


def main() -> int:
    """Install what is missing, or say so. What fails here is said again by the tests that need it."""
    wanted = missing()
    if not wanted:
        print("The tests find a browser and SoftHSM.")
        return 0
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print(f"Not here, and not to be installed by this user: {', '.join(wanted)}.", file=sys.stderr)
        return 0
    print(f"Installing Debian's packages for the tests: {', '.join(wanted)}.", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", *wanted]):
        subprocess.run(["apt-get", *words], env=environment, check=False, stdout=subprocess.DEVNULL)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
