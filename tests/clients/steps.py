"""What scenarios are made of: a step is a call, a line that says what came of it, and a verdict.

It knows neither which SDK makes the calls nor whether a gateway or a cloud answers them: that the same steps come out the
same on both is what it is for.
"""

import itertools
import json
import re
import secrets
import time
from typing import Any, Callable, Iterator, NamedTuple

from answer import Answer, KeyPair

DEADLINE_SECONDS = 60  # for a task to reach a state; the simulator needs about a third of a second for each
POLL_SECONDS = (0.05, 0.1, 0.2, 0.4)  # between reads; the last again and again. The simulator of the tests is quick
LIMITED_CALLS = 16

# A name that every client escapes differently on its way into a query, a form or a JSON body.
AWKWARD_NAME = "数据 迁移 +50% = a&b ~*'(1)! \"q\" <x>"


class Surprise(Exception):
    """A step did not come out as it must; the steps after it would only say so again."""


class Family(NamedTuple):
    """What the clouds say differently."""

    list_action: str  # lists tasks
    listing: Callable[[int], dict]  # parameters for it, for each number others
    wrong_signature: str  # the codes of
    unknown_key: str
    too_fast: str


class Steps:
    """Makes the calls of a scenario in order and prints one JSON line for each step."""

    def __init__(self, sdk, key: KeyPair, password: str, family: Family, has_nonce: bool):
        self.sdk = sdk
        self.key = key
        self.password = password
        self.family = family
        self.has_nonce = has_nonce  # the signature; TC3 has none, and is the same for a whole second
        self.count = 0
        self.suffix = secrets.token_hex(4)
        self.changed: dict[str, int] = {}  # when each change was last made, in whole seconds

    def named(self, name: str) -> str:
        """A name that no other run gives: a gateway takes a purchase like one it just saw for a slip."""
        return f"{name} {self.suffix}"

    def succeeds(self, step: str, action: str, params: dict, key: KeyPair | None = None) -> Answer:
        return self.report(step, self.call(action, params, key), None)

    def refused(self, step: str, action: str, params: dict, code: str, key: KeyPair | None = None) -> Answer:
        return self.report(step, self.call(action, params, key), code)

    def until(self, step: str, action: str, params: dict, done: Callable, otherwise: Callable) -> Answer:
        """Reads until it is `done`; one step, however many reads it takes."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        for pause in pauses():
            answer = self.sdk.call(self.key, action, params)
            if not answer.ok or done(answer.body):
                return self.report(step, answer, None)
            if time.monotonic() > deadline:
                raise Surprise(f"{step}: {otherwise(answer.body)} after {DEADLINE_SECONDS} s")
            time.sleep(pause)

    def call(self, action: str, params: dict, key: KeyPair | None) -> Answer:
        """A change made again in the same second has the same TC3 signature, and a gateway answers it as the same change
        (it cannot tell it from an SDK's retry): whoever means it a second time has to let the clock move on."""
        call = json.dumps([action, params])
        while not self.has_nonce and int(time.time()) <= self.changed.get(call, 0):
            time.sleep(0.02)
        answer = self.sdk.call(key or self.key, action, params)
        if answer.ok and not action.startswith("Describe"):  # refusals are not remembered
            self.changed[call] = int(time.time())
        return answer

    def report(self, step: str, answer: Answer, code: str | None, **more) -> Answer:
        """Prints the step and judges it: the code (None is success), and a RequestId in every answer."""
        line = {"step": step, "ok": answer.ok, "code": answer.code, "request_id": answer.request_id, "type": answer.type}
        if answer.message:
            line["message"] = answer.message
        if answer.retry_after_ms is not None:
            line["retry_after_ms"] = answer.retry_after_ms
        print(json.dumps({**line, **more}, ensure_ascii=False), flush=True)
        self.count += 1
        wanted = "success" if code is None else code
        self.expect(step, answer.code == code, f"{wanted} was expected, not {answer.code or 'success'} ({answer.message})")
        self.expect(step, re.fullmatch(r"[\w-]{8,}", answer.request_id), f"RequestId is {answer.request_id!r}")
        self.expect(step, answer.ok or answer.message, "a refusal says what to do")
        return answer

    @staticmethod
    def expect(step: str, holds: Any, otherwise: str):
        if not holds:
            raise Surprise(f"{step}: {otherwise}")

    # What every version refuses alike

    def refused_callers(self):
        secret_id, secret_key = self.key
        wrong = KeyPair(secret_id, secret_key[:-1] + ("a" if secret_key[-1] != "a" else "b"))
        self.refused("wrong-key", *self.listing(1), self.family.wrong_signature, wrong)
        unknown = KeyPair("AKIDnobodyhasthiskeyid00000000000000", secret_key)
        self.refused("unknown-id", *self.listing(1), self.family.unknown_key, unknown)

    def refused_limited(self, limited: KeyPair) -> list[Answer]:
        """Gateway only: a caller whose own limit is narrow."""
        return self.too_many("too-fast", limited, LIMITED_CALLS)

    def refused_burst(self, calls: int):
        """More calls at once than may wait; after them, calls go through again."""
        self.too_many("burst", self.key, calls)
        deadline = time.monotonic() + DEADLINE_SECONDS
        for pause in pauses():
            answer = self.sdk.call(self.key, *self.listing(1))
            if answer.ok or time.monotonic() > deadline:
                break
            time.sleep(pause)
        self.report("burst:over", answer, None)

    def too_many(self, step: str, key: KeyPair, calls: int) -> list[Answer]:
        """All at once, no two alike, so that none can share another's answer: some must be refused, not all."""
        answers = self.sdk.burst(key, [self.listing(n) for n in range(1, calls + 1)])
        refused = [answer for answer in answers if not answer.ok]
        self.expect(step, 0 < len(refused) < calls, f"{len(refused)} of {calls} calls were refused")
        others = [answer for answer in refused if answer.code != self.family.too_fast]
        self.report(step, (others or refused)[0], self.family.too_fast, refused=len(refused), calls=calls)
        return refused

    def listing(self, number: int) -> tuple[str, dict]:
        """A read that needs no task."""
        return self.family.list_action, self.family.listing(number)


def reaches(steps: Steps, step: str, action: str, params: dict, what: Callable[[dict[str, Any]], Any], wanted: Any):
    """Reads until `what` it looks at of the answer is as wanted."""
    return steps.until(
        step,
        action,
        params,
        lambda body: what(body) == wanted,
        lambda body: f"it is {what(body)!r}, not {wanted!r}",
    )


def pauses() -> Iterator[float]:
    return itertools.chain(POLL_SECONDS, itertools.repeat(POLL_SECONDS[-1]))
