// One record: what came of the call, how that was decided, what was asked, and what proves that the log still says it.

import { ask } from "./api.js";
import { badge } from "./table.js";
import { block, copy, count, duration, el, figure, spread, time, value } from "./text.js";
import { trace } from "./trace.js";

const MEANINGS = {
  ok: "Allowed, and answered by the cloud without an error.",
  refused: "Not carried out: the gateway said no, or a read got no answer.",
  failed: "Allowed, and answered by the cloud with an error.",
  unknown: "Sent, and nobody knows what came of it. Look at the task before it is repeated.",
  open: "Under way: its intent is durable, its end is not written yet.",
};

// Loads a record and shows it in `body`; `act` is what its buttons do.
export async function showRecord(body, id, act, signal) {
  const { body: written, text } = await ask(`records/${encodeURIComponent(id)}`, {}, signal);
  const record = (written.ended ?? written.intent).record;
  const settled = written.settled;
  const parts = [
    headline({ ...record, settled: settled?.settled ?? record.settled }),
    section("Decision", trace(record, written.intent)),
    settled && section("Found out later", ...settlement(settled)),
    section("Who and what", facts(record, act)),
    section("Parameters, redacted", ...parameters(record)),
    section(
      "Proof",
      el("div", { class: "proofs" }, proof("Intent", written.intent), proof("End", written.ended), proof("Settled", settled)),
    ),
    whole(text),
  ];
  body.replaceChildren(...parts.filter(Boolean));
  return record.action || "A record";
}

const section = (title, ...content) => el("section", {}, el("h3", {}, title), content);

function headline(record) {
  const { detail } = record;
  return el(
    "header",
    { class: `headline ${record.outcome}` },
    el("p", {}, badge(record), " ", time(record.time), ` UTC, ${duration(detail.total_ms)}`),
    el(
      "p",
      {},
      record.family === "gateway" ? null : MEANINGS[record.outcome],
      record.caller_gone && " The caller hung up before its answer.",
    ),
    record.reason && el("p", {}, "Reason: ", value(record.reason, { class: "code reason" })),
    detail.message && el("p", { class: "message" }, value(detail.message)),
    record.calls > 1 && el("p", { class: "many" }, ...many(record)),
  );
}

// What a record of many calls says of them; everything else in it is the first one's.
function many({ calls, detail }) {
  const addresses = detail.addresses ?? [];
  const others = addresses.reduce((left, seen) => left - seen.calls, calls);
  return [
    `This record stands for ${count(calls, "call")}, the last of them at `,
    time(detail.until),
    " UTC. Ids and times are those of the first.",
    addresses.length > 0 && " They came from ",
    ...addresses.flatMap(({ address, calls: many }, at) => [at > 0 && ", ", value(address), ` (${figure(many)})`]),
    addresses.length > 0 && (others > 0 ? `, ${figure(others)} from other addresses.` : "."),
  ];
}

// What became of a call of which nobody knew, and what that was seen by.
function settlement({ settled, seen, recorded_at: at }) {
  const meanings = {
    done: "The cloud shows that it was carried out.",
    "not-done": "The cloud shows that it was not carried out.",
    undetermined: "The cloud does not show whether it was carried out. Look at the task.",
  };
  return [
    el("p", {}, el("strong", {}, value(settled)), ", ", time(at), " UTC. ", meanings[settled]),
    block(spread(JSON.stringify(seen ?? null))),
  ];
}

function facts(record, act) {
  const { detail } = record;
  const only = (name, text) =>
    text &&
    el(
      "button",
      {
        type: "button",
        class: "link",
        title: `Show only records of this ${name.replace("_", " ")}`,
        onclick: () => act.only(name, text),
      },
      value(text),
    );
  const task = (id) =>
    el(
      "button",
      { type: "button", class: "link", title: "Show what was done to this task", onclick: () => act.history(id) },
      value(id),
    );
  const rows = [
    ["Caller", only("caller", record.caller)],
    ["Team", only("team", record.team)],
    ["Key", only("key_id", record.key_id)],
    ["Address", value(record.address)],
    ["Client", detail.user_agent && value(detail.user_agent)],
    ["Journaled", detail.journaled && "yes: the database was away when it was recorded"],
    ["Account", only("account", record.account)],
    ["Family, version", [record.family, record.version].filter(Boolean).map((text, at) => [at > 0 && ", ", value(text)])],
    ["Action", [only("action", record.action), detail.kind && el("span", { class: `kind ${detail.kind}` }, detail.kind)]],
    ["Region", only("region", record.region)],
    ["Tasks", record.task_ids.map((id, at) => [at > 0 && ", ", task(id)])],
    ["Request id", value(record.request_id, { class: "code" })],
    ["Answered by", detail.origin && value(detail.origin)],
    [
      "Time",
      [
        `${figure(detail.total_ms)} ms in all`,
        record.waited_ms > 0 && `, ${figure(record.waited_ms)} ms waiting`,
        detail.upstream_ms != null && `, ${figure(detail.upstream_ms)} ms at the cloud`,
      ],
    ],
    ["Judged by tables", detail.table && value(detail.table, { class: "code" })],
    ["Judged by team files", detail.policy && value(detail.policy, { class: "code" })],
  ];
  const isThere = (content) => content && (!Array.isArray(content) || content.flat().some(Boolean));
  return el(
    "dl",
    {},
    rows.filter(([, content]) => isThere(content)).map(([name, content]) => [el("dt", {}, name), el("dd", {}, content)]),
  );
}

function parameters({ detail }) {
  if (!detail.parameters) return [el("p", { class: "faint" }, "None were recorded.")];
  const digest =
    detail.parameters_digest &&
    el(
      "p",
      { class: "faint" },
      "Keyed digest of all of them, secrets included: ",
      value(detail.parameters_digest, { class: "code" }),
    );
  return [block(spread(detail.parameters)), digest];
}

// What the listener says of an entry's place in its log. Records from before there was proof have none.
function proof(title, phase) {
  if (!phase) return null;
  const { proof } = phase;
  const state = proof ? proof.state : "not provable";
  const words = {
    proven: "A signed checkpoint covers it, and its hash is in the tree.",
    pending: "It is in the log, and no checkpoint covers it yet.",
    mismatch: "What is stored is not what was written. Keep the database as it is and verify an export.",
    "not provable": "It has no place in a log: it was written before the log was provable.",
  };
  const facts = proof && [
    ["Log", proof.log],
    ["Entry", proof.index],
    ["Hash", proof.hash],
    ["Committed", proof.recorded_at],
    ["Path", proof.path?.length ? count(proof.path.length, "hash", "hashes") : null],
    ["Checkpoint", proof.checkpoint],
  ];
  return el(
    "div",
    { class: `proof ${state.replace(" ", "-")}` },
    el("p", {}, el("strong", {}, `${title}: `), value(state, { class: "state" })),
    el("p", { class: "faint" }, words[state] ?? "A newer gateway says this; this page does not know the word."),
    facts &&
      el(
        "dl",
        {},
        facts
          .filter(([, said]) => said != null)
          .map(([name, said]) => [
            el("dt", {}, name),
            el("dd", {}, String(said).includes("\n") ? block(String(said)) : value(String(said), { class: "code" })),
          ]),
      ),
  );
}

// Everything that was written, as the listener gave it.
function whole(text) {
  const button = el("button", { type: "button", onclick: () => copy(text, button) }, "Copy");
  return el("details", {}, el("summary", {}, "Everything that was written, as JSON"), button, block(spread(text)));
}
