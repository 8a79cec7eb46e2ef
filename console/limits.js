// The page: asks how the quotas are every second while it is in sight, and shows each as a row.

import { limits } from "./api.js";
import { gate } from "./gate.js";
import { failure } from "./notes.js";
import { Quota } from "./quota.js";
import { count, el, figure, value } from "./text.js";

// Milliseconds from one answer to the next question.
const EVERY = 1000;

// Milliseconds after which a listener that took a question and does not answer is taken for gone.
const PATIENCE = 5000;

const MODES = {
  sole: "one instance",
  parts: "several instances without Redis, each with its part",
  joined: "sharing one book",
  quiet: "Redis does not answer: nothing is sent for a moment",
  alone: "Redis does not answer: this replica uses its part",
};

const $ = (id) => document.getElementById(id);

// Why a question was given up that nobody called off.
const LATE = new DOMException("it took too long", "TimeoutError");

// By what is counted together; in the order in which they are shown.
const rows = new Map();

let asking = null;
let timer = null;
let isPaused = false;
let isRefused = false;

const mayAsk = () => !$("page").hidden && !isPaused && !isRefused && !document.hidden;

async function ask() {
  clearTimeout(timer);
  if (!mayAsk() || asking) return;
  const own = (asking = new AbortController());
  const late = setTimeout(() => own.abort(LATE), PATIENCE);
  try {
    const answer = await limits(own.signal);
    if (own.signal.aborted) return;
    $("trouble").replaceChildren();
    show(answer);
  } catch (problem) {
    if (own.signal.aborted && own.signal.reason !== LATE) return;
    trouble(problem);
  } finally {
    clearTimeout(late);
    if (asking === own) asking = null;
  }
  if (mayAsk()) timer = setTimeout(ask, EVERY);
}

function trouble(problem) {
  isRefused = problem.status === 403;
  const again = () => {
    isRefused = false;
    ask();
  };
  const advice = isRefused ? "Ask for a token with the role auditor or operator." : undefined;
  $("trouble").replaceChildren(failure(problem, isRefused ? again : null, advice));
}

function show({ time, replicas, quotas }) {
  const at = Date.parse(time);
  const seen = new Set();
  for (const quota of quotas) {
    const key = JSON.stringify([quota.action, quota.identity, quota.host, quota.region]);
    seen.add(key);
    if (!rows.has(key)) rows.set(key, new Quota());
    rows.get(key).show(quota, at);
  }
  for (const [key, row] of rows) {
    if (!seen.has(key) && row.rest(at)) rows.delete(key);
  }
  const order = [...rows.keys()].sort();
  const shown = order.map((key) => rows.get(key).root);
  // What is in its place stays there, so that nothing loses the focus or blinks.
  shown.forEach((root, place) => {
    if ($("quotas").children[place] !== root) $("quotas").insertBefore(root, $("quotas").children[place] ?? null);
  });
  while ($("quotas").children.length > shown.length) $("quotas").lastChild.remove();
  const waiting = quotas.reduce((sum, quota) => sum + quota.waiting, 0);
  const lowered = quotas.filter((quota) => quota.learned_limit !== null).length;
  $("summary").replaceChildren(
    `${count(quotas.length, "quota")} in use`,
    waiting ? `, ${count(waiting, "call")} waiting` : "",
    lowered ? `, ${figure(lowered)} below the documented limit` : "",
  );
  $("replicas").replaceChildren(
    el(
      "span",
      { class: `mode ${replicas.mode}`, title: MODES[replicas.mode] },
      value(replicas.mode),
      el("span", { class: "faint" }, ` ${MODES[replicas.mode] ?? ""}`),
    ),
    replicas.of > 1 || replicas.here > 1
      ? `${count(replicas.here, "replica")}, ${figure(replicas.parts)} of ${figure(replicas.of)} parts`
      : "",
  );
  filter();
}

function filter() {
  const words = $("filter").value.toLowerCase().split(/\s+/u).filter(Boolean);
  let fitting = 0;
  for (const row of rows.values()) {
    const fits = words.every((word) => row.text.includes(word)) && (!$("busy").checked || row.waiting > 0);
    row.root.hidden = !fits;
    fitting += fits;
  }
  $("none").hidden = fitting > 0;
  const why = rows.size ? "No quota fits the filter." : "No quota is in use: no call was sent to the cloud within its window.";
  if (fitting === 0) $("none").replaceChildren(el("strong", {}, why));
}

function pause(paused) {
  isPaused = paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  $("pause").textContent = paused ? "Go on" : "Pause";
  if (paused) asking?.abort();
  asking = null;
  ask();
}

$("pause").addEventListener("click", () => pause(!isPaused));
$("filter").addEventListener("input", filter);
$("busy").addEventListener("change", filter);
$("filters").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("visibilitychange", () => ask());

gate({
  entered: () => {
    isRefused = false;
    pause(false);
  },
  left: () => {
    clearTimeout(timer);
    asking?.abort();
    asking = null;
    rows.clear();
    for (const id of ["quotas", "summary", "replicas", "trouble", "none"]) $(id).replaceChildren();
    $("filter").value = "";
  },
});
