// What is looked at: filters, a time range, and a record or a task's history if one is open. It is kept in the address
// behind the `#`, which no server sees, so that a view can be shared, kept and gone back from. The token is never in it.

export const OUTCOMES = ["ok", "refused", "failed", "unknown", "open"];

export const KINDS = ["read", "change", "destructive", "purchase"];

export const TEXTS = [
  "caller",
  "action",
  "task_id",
  "reason",
  "request_id",
  "text",
  "team",
  "account",
  "region",
  "family",
  "version",
  "key_id",
  "settled",
];

// Filters by which an administrative act is meant.
const NAMING = ["action", "family", "request_id"];

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// The ranges that end now.
export const LAST = { "15m": 15 * MINUTE, "1h": HOUR, "6h": 6 * HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY };

const DEFAULT = "24h";

export const iso = (ms) => new Date(ms).toISOString().replace(/\.000Z$/u, "Z");

const instant = (text) => {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? null : iso(at);
};

const chosen = (text, words) => words.filter((word) => (text ?? "").split(",").includes(word));

// The view of an address; what it does not understand it leaves out.
export function parse(hash) {
  const given = new URLSearchParams(hash.replace(/^#/u, ""));
  const filters = {};
  for (const name of TEXTS) {
    const text = given.get(name)?.trim();
    if (text) filters[name] = text;
  }
  const [from, to] = [instant(given.get("from")), instant(given.get("to"))];
  const isFixed = from && to && from < to;
  return {
    filters,
    outcome: chosen(given.get("outcome"), OUTCOMES),
    kind: chosen(given.get("kind"), KINDS),
    administrative: given.get("administrative") === "shown",
    last: isFixed ? null : Object.hasOwn(LAST, given.get("last") ?? "") ? given.get("last") : DEFAULT,
    from: isFixed ? from : null,
    to: isFixed ? to : null,
    record: given.get("record"),
    task: given.get("task"),
  };
}

export function format(view) {
  const words = new URLSearchParams(view.filters);
  if (view.outcome.length) words.set("outcome", view.outcome.join(","));
  if (view.kind.length) words.set("kind", view.kind.join(","));
  if (view.administrative) words.set("administrative", "shown");
  if (view.last) words.set("last", view.last);
  else {
    words.set("from", view.from);
    words.set("to", view.to);
  }
  if (view.record) words.set("record", view.record);
  else if (view.task) words.set("task", view.task);
  return `#${words}`;
}

// What decides which records are shown; the rest of a view is what is open above them.
export const question = (view) => format({ ...view, record: null, task: null });

// The range in milliseconds. One that ends now ends with the second that has begun, so the newest call is in it.
export function range(view, now) {
  if (!view.last) return { from: Date.parse(view.from), to: Date.parse(view.to) };
  const to = Math.floor(now / 1000) * 1000 + 1000;
  return { from: to - LAST[view.last], to };
}

// The parameters of a question to the log; the chart wants all outcomes.
export function parameters(view, { from, to }, withOutcome = true) {
  const given = { ...view.filters, from: iso(from), to: iso(to) };
  if (withOutcome && view.outcome.length) given.outcome = view.outcome.join(",");
  if (view.kind.length) given.kind = view.kind.join(",");
  // This page's own questions would drown what it is asked about; who names one of them wants to see it.
  if (!view.administrative && !NAMING.some((name) => view.filters[name])) given.administrative = "false";
  return given;
}
