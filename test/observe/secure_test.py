#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""secure_test.py PROGRAM MEMBARRIER: a program that is set-user-ID ignores what
the environment asks of a pool, and of membarrier. PROGRAM has a pool, and
MEMBARRIER prints how often it called membarrier.

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


def calls(program, _directory):
    """How often a run calls membarrier, which need not."""
    environment = dict(os.environ, MAGRING_MEMBARRIER="0")
    return int(subprocess.run([program, "print"], env=environment, check=True,
                              stdout=subprocess.PIPE).stdout)


def plain_and_raised(root, original, run):
    """What a run answers, without and with set-user-ID."""
    program = root / "program"
    shutil.copy(original, program)
    program.chmod(0o755)
    plain = run(program, root / "plain")
    os.chown(program, OTHER, OTHER)
    program.chmod(0o755 | stat.S_ISUID)
    raised = run(program, root / "raised")
    program.unlink()
    return plain, raised


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
        profiles, raised_profiles = plain_and_raised(root, sys.argv[1], heaps)
        barriers, raised_barriers = plain_and_raised(root, sys.argv[2], calls)
        print(f"{profiles} profiles, and {raised_profiles} with set-user-ID")
        print(f"{barriers} calls of membarrier, and {raised_barriers} with set-user-ID")
        return 0 if profiles > 0 and raised_profiles == 0 and \
            barriers == 0 and raised_barriers > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
