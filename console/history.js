// What was done to one task and what was refused, oldest first.

import { ask } from "./api.js";
import { failure } from "./notes.js";
import { badge } from "./table.js";
import { count, el, short, time, times, value } from "./text.js";
import { KINDS } from "./view.js";

const PAGE = 100;

// Loads a task's history into `body`; `act.open` opens one of its records.
export async function showHistory(body, task, act, signal) {
  const list = el("ol", { class: "history" });
  const note = el("div", { class: "note", role: "status" });
  const reads = el("input", { type: "checkbox", onchange: () => begin() });
  body.replaceChildren(
    el("p", {}, "What was tried on ", value(task, { class: "code" }), ", oldest first."),
    el("label", { class: "check" }, reads, "reads too"),
    list,
    note,
  );
  let run = 0;
  let shown = 0;

  function begin() {
    list.replaceChildren();
    shown = 0;
    return more(null, (run += 1));
  }

  async function more(cursor, mine) {
    note.replaceChildren(el("span", { class: "loading" }, "Loading the history…"));
    const asked = { limit: PAGE, ...(reads.checked ? { kind: KINDS.join(",") } : {}), ...(cursor ? { cursor } : {}) };
    try {
      const { body: page } = await ask(`tasks/${encodeURIComponent(task)}`, asked, signal);
      if (mine !== run) return;
      list.append(...page.records.map((record) => entry(record, act)));
      shown += page.records.length;
      const next = page.next_cursor;
      note.replaceChildren(
        shown ? count(shown) : "Nothing was recorded of this task that you may see.",
        next ? el("button", { type: "button", onclick: () => more(next, mine) }, "More") : "",
      );
    } catch (problem) {
      if (mine === run && !signal.aborted) note.replaceChildren(failure(problem, () => more(cursor, mine)));
    }
  }

  await begin();
  return "Task history";
}

function entry(record, act) {
  const why = record.reason ?? record.upstream_code;
  return el(
    "li",
    { class: record.outcome },
    el(
      "button",
      { type: "button", class: "link", onclick: () => act.open(record.id) },
      value(short(record.action || "not readable")),
    ),
    " ",
    badge(record),
    times(record),
    why && [" ", value(short(why), { class: "code" })],
    el("div", { class: "faint" }, time(record.time), " by ", value(short(record.caller || "nobody proven"))),
  );
}
