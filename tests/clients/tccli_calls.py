"""Makes calls with tccli as it is told on standard input, a JSON line for calls that go out together: a list of
{"arguments", "environment"}; answers with a line that lists {"status", "stdout", "stderr"} in the same order.

Nine tenths of a second of tccli's second go into imports and into a table of the commands of all 260 products. Here both
are made once, by its own code; each call is a process of its own, forked from there, and runs its `main`.
"""

import json
import os
import sys
import tempfile
from typing import IO


def run(program, call: dict, files: list[IO[bytes]]):
    """In the child: what the program does with these arguments, into these files."""
    status = 255
    try:
        for number, file in enumerate(files, 1):
            os.dup2(file.fileno(), number)
        os.environ.update(call["environment"])
        sys.argv = ["tccli", *call["arguments"]]
        status = program.main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 255
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main():
    version = sys.argv[1]
    # tccli takes standard output for itself as soon as it is imported.
    calls, answers = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.argv = ["tccli", "dts", "--version", version]
    from tccli import main as program

    command = program.CLICommand()
    command._get_command_map()["dts"]._get_command_map()
    program.CLICommand = lambda: command
    for line in calls:
        children = []
        for call in json.loads(line):
            files = [tempfile.TemporaryFile() for _ in ("stdout", "stderr")]
            if (child := os.fork()) == 0:
                run(program, call, files)
            children.append((child, files))
        told = []
        for child, files in children:
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            texts = []
            for file in files:
                file.seek(0)
                texts.append(file.read().decode())
                file.close()
            told.append({"status": status, "stdout": texts[0], "stderr": texts[1]})
        answers.write(json.dumps(told) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
