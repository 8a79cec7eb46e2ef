// Records in a table, newest first, more of them as it is scrolled. It holds a bounded number of rows: behind that it goes
// on anew from where it is.

import { ask } from "./api.js";
import { el, figure, short, time, times, value } from "./text.js";
import { failure, nothing } from "./notes.js";

const PAGE = 100;

// Rows at a time; more make a browser slow, and nobody reads them.
const MOST = 2000;

const COLUMNS = ["Time (UTC)", "Outcome", "Caller", "Action", "Task", "Region", "Why", "ms"];

export class Table {
  constructor(root, { opened, emptied }) {
    Object.assign(this, { root, opened, emptied, cursor: null, asking: null });
    this.body = el("tbody", { role: "rowgroup" });
    const head = el(
      "tr",
      { role: "row" },
      COLUMNS.map((name) => el("th", { scope: "col", role: "columnheader" }, name)),
    );
    this.table = el(
      "table",
      { role: "table", "aria-label": "Records, newest first" },
      el("thead", { role: "rowgroup" }, head),
      this.body,
    );
    this.note = el("div", { class: "note", role: "status" });
    this.edge = el("div", { class: "edge", "aria-hidden": "true" });
    this.root.append(el("div", { class: "scrolled" }, this.table, this.note, this.edge));
    this.body.addEventListener("click", (event) => this.click(event.target.closest("tr")));
    this.body.addEventListener("keydown", (event) => this.key(event));
    this.watch = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && this.more());
  }

  start(parameters) {
    this.asking?.abort();
    this.asking = null;
    Object.assign(this, { parameters, cursor: null, isOver: false });
    this.body.replaceChildren();
    this.root.scrollTop = 0;
    this.more();
  }

  // Nothing of what was shown stays.
  clear() {
    this.asking?.abort();
    this.isOver = true;
    this.watch.disconnect();
    this.body.replaceChildren();
    this.note.replaceChildren();
  }

  async more() {
    if (this.asking || this.isOver) return;
    if (this.body.rows.length >= MOST) return this.pause();
    this.watch.disconnect();
    const asking = (this.asking = new AbortController());
    this.root.setAttribute("aria-busy", "true");
    this.note.replaceChildren(el("span", { class: "loading" }, "Loading records…"));
    try {
      const more = this.cursor ? { cursor: this.cursor } : {};
      const { body } = await ask("records", { ...this.parameters, limit: PAGE, ...more }, asking.signal);
      if (asking.signal.aborted) return;
      this.cursor = body.next_cursor;
      this.isOver = body.next_cursor === null;
      this.body.append(...body.records.map(row));
      this.end();
    } catch (problem) {
      if (asking.signal.aborted) return;
      this.note.replaceChildren(failure(problem, () => this.more()));
    } finally {
      if (this.asking === asking) {
        this.asking = null;
        this.root.removeAttribute("aria-busy");
      }
    }
  }

  end() {
    const rows = this.body.rows;
    if (rows.length && !this.body.querySelector("[tabindex='0']")) rows[0].tabIndex = 0;
    if (rows.length === 0) this.note.replaceChildren(nothing(this.emptied));
    else if (this.isOver) this.note.replaceChildren(`That is all: ${figure(rows.length)} shown.`);
    else {
      this.note.replaceChildren(`${figure(rows.length)} shown, more as you scroll.`);
      // Observed anew it reports at once, if the rows so far do not fill the window.
      this.watch.observe(this.edge);
    }
  }

  pause() {
    const older = el("button", { type: "button", onclick: () => this.goOn() }, "Older records");
    this.note.replaceChildren(`${figure(MOST)} are shown at a time. `, older, " replaces them; or narrow the range.");
  }

  goOn() {
    this.body.replaceChildren();
    this.root.scrollTop = 0;
    this.more();
  }

  // Whoever selects text in a row wants the text.
  click(row) {
    const chosen = getSelection();
    if (row && (chosen.isCollapsed || !row.contains(chosen.anchorNode))) this.open(row);
  }

  open(row) {
    this.focus(row);
    this.opened(row.dataset.id);
  }

  // The neighbour of a record in the table, for going on from a record that is open.
  beside(id, direction) {
    const row = this.body.querySelector(`[data-id="${CSS.escape(id)}"]`);
    const next = direction < 0 ? row?.previousElementSibling : row?.nextElementSibling;
    return next?.dataset.id ?? null;
  }

  // Back to where the reader was, once what was open above is closed.
  refocus(id) {
    const row = this.body.querySelector(`[data-id="${CSS.escape(id)}"]`);
    if (row) this.focus(row);
  }

  // One row of the table is in the order of the Tab key; arrows move on from it.
  focus(row) {
    for (const old of this.body.querySelectorAll("[tabindex='0']")) old.tabIndex = -1;
    row.tabIndex = 0;
    row.focus();
  }

  key(event) {
    const row = event.target.closest("tr");
    const to = {
      ArrowDown: row.nextElementSibling,
      ArrowUp: row.previousElementSibling,
      Home: this.body.firstElementChild,
      End: this.body.lastElementChild,
    };
    if (event.key === "Enter" || event.key === " ") this.open(row);
    else if (Object.hasOwn(to, event.key)) to[event.key] && this.focus(to[event.key]);
    else return;
    event.preventDefault();
  }
}

function row(record) {
  const { detail } = record;
  const isOwn = record.family === "gateway";
  const tasks = record.task_ids;
  const more = tasks.length > 1 ? el("span", { class: "faint" }, ` +${tasks.length - 1}`) : null;
  const cells = [
    ["time", time(record.time)],
    ["outcome", badge(record), times(record)],
    [
      "caller",
      value(short(record.caller || "nobody proven"), { class: record.caller ? null : "faint" }),
      record.team && value(` ${short(record.team)}`, { class: "faint" }),
    ],
    [
      "action",
      value(short(record.action || "not readable"), { class: record.action ? null : "faint" }),
      ["destructive", "purchase"].includes(detail.kind) && el("span", { class: `kind ${detail.kind}` }, detail.kind),
    ],
    ["task", tasks.length ? value(short(tasks[0], 60)) : null, more],
    ["region", value(short(record.region, 40))],
    ["why", value(short(record.reason ?? record.upstream_code ?? ""))],
    ["ms", record.outcome === "open" ? "" : figure(detail.total_ms)],
  ];
  return el(
    "tr",
    { role: "row", tabindex: "-1", "data-id": record.id, class: isOwn ? "own" : null },
    cells.map(([name, ...content]) => el("td", { class: name, role: "cell" }, content)),
  );
}

export function badge(record) {
  const settled = record.settled ? `, ${record.settled}` : "";
  return el("span", { class: `badge ${record.outcome}` }, `${record.outcome}${settled}`);
}
