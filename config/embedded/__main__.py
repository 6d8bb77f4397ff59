"""`python -m config.embedded run|demo`: the whole program on this machine, with nothing installed by hand."""

import argparse
import sys

from config.embedded import console

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description=__doc__)
    parser.add_argument("what", choices=["run", "demo"], help="run: serve until Ctrl-C; demo: do the main job once and end")
    sys.exit({"run": console.run, "demo": console.demo}[parser.parse_args().what]())
