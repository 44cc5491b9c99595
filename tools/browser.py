"""See that there is a browser for the tests of the pages: where none is, and this may be done, install Debian's.

Standard library only. Run by the continuous integration; elsewhere those tests say what is missing and are skipped.
"""

import os
import shutil
import subprocess
import sys

#: Under any of these names a browser serves; Playwright's own is not needed.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main() -> int:
    """Find a browser or install one; say which it was. What fails here is said again by the tests that need it."""
    named = os.environ.get("CHROMIUM")
    found = next((path for name in ([named] if named else NAMES) if (path := shutil.which(name))), None)
    if found is not None:
        print(f"The tests of the pages run in {found}.")
        return 0
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print("No Chromium here, and none can be installed: install it, or name it in CHROMIUM.", file=sys.stderr)
        return 0
    print("No Chromium here: installing Debian's for the tests of the pages.", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "chromium", "fonts-noto-cjk"]):
        subprocess.run(["apt-get", *words], env=environment, check=False, stdout=subprocess.DEVNULL)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
