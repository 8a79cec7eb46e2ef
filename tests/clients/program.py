"""What the programs have in common: their flags, and how a scenario is run."""

import argparse
import sys
from typing import Callable
from urllib.parse import urlsplit

from answer import ClientError
from steps import Steps, Surprise


def parser(description: str) -> argparse.ArgumentParser:
    """Flags of a call to either cloud."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--endpoint", required=True, help="http://host:port")
    made.add_argument("--secret-id", required=True, help="the id of the key pair")
    made.add_argument("--secret-key", required=True)
    made.add_argument("--method", choices=["POST", "GET"], default="POST")
    made.add_argument("--password", default="pass&word=+ 1", help="of the databases; a test can look for it later")
    return made


def pair(made: argparse.ArgumentParser, name: str, purpose: str):
    """A further key pair."""
    made.add_argument(f"--{name}-id", help=f"gateway only{purpose}")
    made.add_argument(f"--{name}-key")


def parse(made: argparse.ArgumentParser) -> argparse.Namespace:
    options = made.parse_args()
    place = urlsplit(options.endpoint)
    if place.scheme not in ("http", "https") or not place.netloc or place.path.strip("/"):
        made.error("--endpoint is http://host:port, without a path: signatures cover it")
    options.scheme, options.host = place.scheme, place.netloc
    for name in [name.removesuffix("_id") for name in vars(options) if name.endswith("_id")]:
        if bool(getattr(options, name + "_id")) != bool(getattr(options, name + "_key")):
            made.error(f"--{name}-id and --{name}-key go together")
    return options


def run(name: str, steps: Steps, scenario: Callable[[], None]) -> int:
    """The exit status; the reason stands on standard error."""
    try:
        scenario()
    except (Surprise, ClientError) as surprise:
        print(f"{name}: {surprise}", file=sys.stderr)
        return 1
    finally:
        steps.sdk.close()
    print(f"{name}: {steps.count} steps", file=sys.stderr)
    return 0
