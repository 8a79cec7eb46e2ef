#!/usr/bin/env python3
"""Drives Alibaba's DTS with an official client, unchanged, against a gateway or a cloud.

Prints one JSON line for every step: {"step", "ok", "code", "request_id", "type"}. Ends with 0 if every step came out as it
must, with 1 and the reason on standard error at the first that did not.

    eval "$(scripts/clients.sh)"
    "$DTS_TEST_PYTHON" tests/clients/aliyun.py --client core --method GET --endpoint http://127.0.0.1:8080 \\
        --secret-id ID --secret-key KEY
"""

import argparse
import sys

import program
import v2020
from answer import KeyPair
from sdk_aliyun import REGION
from steps import Family, Steps

FAMILY = Family(
    list_action=v2020.LIST_ACTION,
    listing=lambda number: {"Region": REGION, "PageSize": 20, "PageNumber": number},
    wrong_signature="SignatureDoesNotMatch",
    unknown_key="InvalidAccessKeyId.NotFound",
    too_fast="Throttling.User",
)


def main() -> int:
    options = arguments()
    key = KeyPair(options.secret_id, options.secret_key)
    steps = Steps(make_sdk(options), key, options.password, FAMILY, has_nonce=True)

    def scenario():
        v2020.run(steps)
        if options.reader_id:
            v2020.refused_reader(steps, KeyPair(options.reader_id, options.reader_key))
        if options.own_id:
            v2020.refused_own(steps, KeyPair(options.own_id, options.own_key))
        if options.limited_id:
            v2020.refused_limited(steps, KeyPair(options.limited_id, options.limited_key))

    return program.run(f"{steps.sdk.name}, {options.sign} over {options.method}", steps, scenario)


def arguments() -> argparse.Namespace:
    parser = program.parser(__doc__)
    parser.add_argument("--client", choices=["tea", "core", "pop-core"], default="tea")
    parser.add_argument("--sign", choices=["ACS3-HMAC-SHA256", "HMAC-SHA1"], default="HMAC-SHA1")
    program.pair(parser, "reader", ": a caller that may only read")
    program.pair(parser, "own", ": a caller that may do everything to tasks of its own")
    program.pair(parser, "limited", ": a caller whose own limit is below 16 calls at once")
    return program.parse(parser)


def make_sdk(options):
    """Imported here: a client that is not installed is missed only by who asks for it."""
    if options.client == "tea":
        from sdk_tea import Tea

        return Tea(options)
    if options.client == "core":
        from sdk_core import Core

        return Core(options)
    from sdk_pop import PopCore

    return PopCore(options)


if __name__ == "__main__":
    sys.exit(main())
