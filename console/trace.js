// How a call was decided, step by step in the order of the request path, out of what its record says. A step that left
// nothing in the record is only called passed if a later one was reached.

import { duration, el, figure, value } from "./text.js";

// At which step the gateway refuses for a reason. `null`: at any.
export const REFUSED_AT = {
  "request-malformed": "identify",
  "parameter-conflict": "identify",
  "too-large": "identify",
  "version-unknown": "identify",
  "action-unknown": "identify",
  "credentials-missing": "authenticate",
  "signature-mismatch": "authenticate",
  "key-unknown": "authenticate",
  "key-revoked": "authenticate",
  "key-expired": "authenticate",
  "signature-expired": "authenticate",
  "nonce-reused": "authenticate",
  "token-invalid": "authenticate",
  "not-granted": "authorize",
  "dangerous-parameter": "authorize",
  "region-unknown": "authorize",
  "parameter-missing": "authorize",
  "parameter-unknown": "authorize",
  "parameter-type": "authorize",
  "purchase-duplicate": "replay",
  "idempotency-conflict": "replay",
  "rate-limited": "limits",
  "state-forbids": "state",
  "state-unknown": "state",
  "state-unavailable": "state",
  "task-not-found": "state",
  "task-busy": "intent",
  "audit-unavailable": "intent",
  "upstream-unreachable": "forward",
  "outcome-unknown": "forward",
  overloaded: null,
  draining: null,
  "caller-gone": null,
  internal: null,
};

const STEPS = [
  ["identify", "Read", (record) => record.action && [value(record.action), " of ", value(record.version)]],
  ["authenticate", "Who it is", (record) => record.caller && [value(record.caller), " by ", value(record.key_id)]],
  ["authorize", "Grant", ({ detail }) => detail.grant && value(detail.grant)],
  ["replay", "Seen before", ({ detail }) => detail.origin === "replayed" && "yes: it got the first call's answer"],
  ["limits", "Limits", limits],
  ["state", "State of the task", ({ detail }) => detail.states.length > 0 && detail.states.map(seen)],
  ["intent", "Written down", (record, intent) => intent && "its intent was durable before a byte was sent"],
  ["forward", "Sent", sent],
];

function limits({ waited_ms, detail }) {
  const waited = waited_ms > 0 && `waited ${duration(waited_ms)} for its turn`;
  const ranInto = (waited || detail.limit) && [waited, waited && detail.limit && ", ", detail.limit && value(detail.limit)];
  // Records that were written before limits were have none.
  const asked = (detail.limits ?? []).map(limit);
  return (ranInto || asked.length > 0) && [ranInto, asked];
}

const limit = ({ kind, name, calls, window_ms, waited_ms, remaining, retry_after_ms }) =>
  el(
    "div",
    {},
    kind === "caller" ? "own pace of " : "the cloud's limit ",
    value(name),
    `, ${figure(calls)} in ${duration(window_ms)}`,
    el(
      "span",
      { class: "faint" },
      waited_ms > 0 && `, waited ${duration(waited_ms)}`,
      remaining != null && `, ${figure(remaining)} left at once`,
      retry_after_ms != null && `, refused, free in ${duration(retry_after_ms)}`,
    ),
  );

const seen = ({ task, state, age_ms, mode }) =>
  el(
    "div",
    {},
    value(task),
    " was ",
    value(state),
    el("span", { class: "faint" }, `, read ${duration(age_ms)} before`, mode && `, its rule is to ${mode === "off" ? "be off" : mode}`),
  );

function sent(record) {
  const { upstream_status: status, upstream_ms: took, shared_from: carrier } = record.detail;
  if (status == null && !record.upstream_request_id) return null;
  return [
    status != null && `status ${status}`,
    took != null && ` after ${figure(took)} ms`,
    record.upstream_code && [", code ", value(record.upstream_code)],
    record.upstream_request_id && [", the cloud's request id ", value(record.upstream_request_id)],
    carrier && [", by the same question of ", value(carrier)],
  ];
}

// Where a record's call came to its end: a step, or nothing if that can't be said.
function stop(record) {
  if (record.outcome === "refused" || record.outcome === "unknown") return REFUSED_AT[record.reason] ?? null;
  return null;
}

// A change that went on without an intent in the log is nothing to call passed.
const isLost = (name, found, { detail }) =>
  name === "intent" && !found && detail.kind !== "read" && detail.origin !== "replayed";

// The steps of a call with their verdicts: `passed`, `refused`, `failed`, `unknown`, `missing`, `unsaid` or `unreached`.
export function verdicts(record, intent) {
  const at = STEPS.findIndex(([name]) => name === stop(record));
  const evidence = STEPS.map(([, , found]) => found(record, intent) || null);
  const last = at >= 0 ? at : evidence.findLastIndex((found) => found !== null);
  const over = record.outcome === "ok" || record.outcome === "failed";
  return STEPS.map(([name, title], index) => {
    const found = evidence[index];
    if (index === at) return { name, title, found, verdict: record.outcome };
    if (index < last) return { name, title, found, verdict: isLost(name, found, record) ? "missing" : "passed" };
    if (found) return { name, title, found, verdict: record.outcome === "failed" && name === "forward" ? "failed" : "passed" };
    return { name, title, found, verdict: over ? "unsaid" : "unreached" };
  });
}

const WORDS = {
  passed: "passed",
  refused: "refused",
  failed: "failed",
  unknown: "unknown",
  missing: "not found",
  unsaid: "not needed",
  unreached: "not reached",
};

export function trace(record, intent) {
  if (record.family === "gateway") return el("p", {}, "An administrative act, not a call to the cloud: no policy judged it.");
  const steps = verdicts(record, intent).map(({ name, title, found, verdict }) =>
    el(
      "li",
      { class: verdict, "data-step": name },
      el("span", { class: "step" }, title),
      el("span", { class: "verdict" }, WORDS[verdict]),
      el("div", { class: "found" }, found ?? quiet(name, verdict, record)),
    ),
  );
  const observed = record.detail.observed.map((rule) => el("li", {}, value(rule)));
  return el(
    "div",
    {},
    el("ol", { class: "trace" }, steps),
    observed.length > 0 && el("p", {}, "Would have been refused by rules that only observe:"),
    observed.length > 0 && el("ul", {}, observed),
  );
}

// Why a step has left nothing in the record.
function quiet(name, verdict, record) {
  if (verdict === "missing") return "There is no intent of this change in the log, or it was dropped with its time.";
  if (verdict === "refused" || verdict === "unreached") return null;
  const isRead = record.detail.kind === "read";
  const quiet = {
    limits: "no wait",
    replay: "no",
    state: isRead ? "a read needs none" : "none was needed",
    intent: isRead ? "a read needs no intent" : null,
  };
  return quiet[name] ? el("span", { class: "faint" }, quiet[name]) : null;
}
