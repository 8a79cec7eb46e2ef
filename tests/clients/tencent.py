#!/usr/bin/env python3
"""Drives Tencent DTS with an official client, unchanged, against a gateway or a cloud.

Prints one JSON line for every step: {"step", "ok", "code", "request_id", "type"}. Ends with 0 if every step came out as it
must, with 1 and the reason on standard error at the first that did not.

    eval "$(scripts/clients.sh)"
    "$DTS_TEST_PYTHON" tests/clients/tencent.py --version 2021-12-06 --client python --endpoint http://127.0.0.1:8080 \\
        --secret-id ID --secret-key KEY --sign HmacSHA256 --method GET
"""

import argparse
import sys

import program
import v2018
import v2021
from answer import KeyPair
from steps import Family, Steps

VERSIONS = {"2018-03-30": v2018, "2021-12-06": v2021}


def main() -> int:
    options = arguments()
    version = VERSIONS[options.version]
    family = Family(
        list_action=version.LIST_ACTION,
        listing=lambda number: {"JobName": f"number {number}", "Limit": 1},
        wrong_signature="AuthFailure.SignatureFailure",
        unknown_key="AuthFailure.SecretIdNotFound",
        too_fast="RequestLimitExceeded",
    )
    key, has_nonce = KeyPair(options.secret_id, options.secret_key), options.sign != "TC3-HMAC-SHA256"
    steps = Steps(make_sdk(options), key, options.password, family, has_nonce)

    def scenario():
        version.run(steps)
        if options.reader_id:
            version.refused_reader(steps, KeyPair(options.reader_id, options.reader_key))
        if options.careful_id:
            version.refused_careful(steps, KeyPair(options.careful_id, options.careful_key))
        if options.purchases:
            version.refused_purchase(steps)
        if options.limited_id:
            steps.refused_limited(KeyPair(options.limited_id, options.limited_key))
        if options.burst:
            steps.refused_burst(options.burst)

    return program.run(f"{steps.sdk.name}, {options.version}, {options.sign} over {options.method}", steps, scenario)


def arguments() -> argparse.Namespace:
    parser = program.parser(__doc__)
    parser.add_argument("--version", choices=sorted(VERSIONS), default="2021-12-06")
    parser.add_argument("--client", choices=["python", "tccli", "node"], default="python")
    parser.add_argument("--token", help="sent as the credential's session token")
    parser.add_argument("--sign", choices=["TC3-HMAC-SHA256", "HmacSHA1", "HmacSHA256"], default="TC3-HMAC-SHA256")
    parser.add_argument("--region", default="ap-guangzhou")
    program.pair(parser, "reader", ": a caller that may only read")
    program.pair(parser, "careful", ", 2021-12-06: a caller that may do everything but what can hurt")
    parser.add_argument("--purchases", action="store_true", help="gateway only, 2021-12-06: buy the same twice at once")
    program.pair(parser, "limited", ": a caller whose own limit is below 16 calls at once")
    parser.add_argument("--burst", type=int, default=0, help="so many reads at once: some, not all, must be refused")
    options = program.parse(parser)
    if options.version == "2018-03-30" and (options.careful_id or options.purchases):
        parser.error("--careful-id and --purchases are for 2021-12-06")
    return options


def make_sdk(options):
    """Imported here: a client that is not installed is missed only by who asks for it."""
    if options.client == "tccli":
        from sdk_tccli import Tccli

        return Tccli(options)
    if options.client == "node":
        from sdk_node import NodeSdk

        return NodeSdk(options)
    from sdk_python import PythonSdk

    return PythonSdk(options)


if __name__ == "__main__":
    sys.exit(main())
