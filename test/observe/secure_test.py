#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""secure_test.py PROGRAM: a program that is set-user-ID ignores what the
environment asks of a pool.

77: not root, or a file system without set-user-ID."""
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile

OTHER = 65534  # any user but root


def heaps(program, directory):
    """How many profiles a run leaves, which could write them."""
    directory.mkdir()
    directory.chmod(0o777)
    environment = dict(os.environ, MAGRING_PROFILE_FILE=str(directory / "profile"),
                       MAGRING_LEAKS="1")
    subprocess.run([program], env=environment, check=True, stdout=subprocess.DEVNULL)
    return len(list(directory.glob("profile.*.heap")))


def main():
    if os.geteuid() != 0:
        print("only root can give a program to another user")
        return 77
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        root.chmod(0o755)
        if os.statvfs(root).f_flag & os.ST_NOSUID:
            print("no set-user-ID here")
            return 77
        program = root / "program"
        shutil.copy(sys.argv[1], program)
        program.chmod(0o755)
        plain = heaps(program, root / "plain")
        os.chown(program, OTHER, OTHER)
        program.chmod(0o755 | stat.S_ISUID)
        raised = heaps(program, root / "raised")
        print(f"{plain} profiles, and {raised} with set-user-ID")
        return 0 if plain > 0 and raised == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
