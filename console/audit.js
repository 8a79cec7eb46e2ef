// The page: one view after the other. The address says what is shown; whatever the reader does changes the
// address, and the page follows it.

import { now } from "./api.js";
import { said, sum } from "./bins.js";
import { Chart } from "./chart.js";
import { Drawer } from "./drawer.js";
import { Export } from "./export.js";
import { Filters } from "./filters.js";
import { gate } from "./gate.js";
import { showHistory } from "./history.js";
import { showRecord } from "./record.js";
import { Table } from "./table.js";
import { el, value } from "./text.js";
import { format, iso, parameters, parse, question, range } from "./view.js";

const AUDITOR = "auditor";

const $ = (id) => document.getElementById(id);

let view = parse(location.hash);
let between = null;
let totals = null;
// Of all outcomes: a record may stand for many calls.
let records = 0;
let loaded = null;
const earlier = [];

const go = (changes) => {
  const next = format({ ...view, record: null, task: null, ...changes });
  if (next === location.hash) show();
  else location.hash = next;
};

const filters = new Filters({ form: $("filters"), outcomes: $("outcomes") }, go);
const table = new Table($("records"), {
  opened: (id) => go({ record: id }),
  emptied: () => go({ filters: {}, outcome: [], kind: [], administrative: false }),
});
const chart = new Chart($("chart"), {
  zoomed: (from, to) => {
    earlier.push({ last: view.last, from: view.from, to: view.to });
    go({ last: null, from: iso(from), to: iso(to) });
  },
  back: () => earlier.length && go(earlier.pop()),
  counted: (counts, written) => {
    totals = counts;
    records = written;
    filters.count(counts);
    $("total").replaceChildren(counts ? said(counts, view.outcome) : "");
  },
});
const drawer = new Drawer($("drawer"), {
  closed: () => {
    const { record } = view;
    go({});
    table.refocus(record ?? "");
  },
  stepped: (direction) => {
    const next = table.beside(view.record, direction);
    if (next) go({ record: next });
  },
});
new Export($("exports"), $("exporting"), () => ({
  parameters: parameters(view, between),
  total: totals && Math.min(sum(totals, view.outcome), records),
}));

const act = {
  only: (name, text) => go({ filters: { ...view.filters, [name]: text } }),
  history: (task) => go({ task }),
  open: (id) => go({ record: id }),
};

// Shows the view of the address. Only what differs is asked for again.
function show(isAnew = false) {
  view = parse(location.hash);
  if ($("page").hidden) return;
  if (isAnew || loaded !== question(view)) {
    loaded = question(view);
    between = range(view, now());
    totals = null;
    filters.show(view, between);
    filters.count(null);
    $("total").replaceChildren();
    $("back").hidden = earlier.length === 0;
    $("exporting").replaceChildren();
    table.start(parameters(view, between));
    chart.load(view, between);
  }
  if (view.record) drawer.open(`record ${view.record}`, true, (body, signal) => showRecord(body, view.record, act, signal));
  else if (view.task) drawer.open(`task ${view.task}`, false, (body, signal) => showHistory(body, view.task, act, signal));
  else drawer.close();
}

addEventListener("hashchange", () => show());
$("refresh").addEventListener("click", () => show(true));
$("back").addEventListener("click", () => earlier.length && go(earlier.pop()));
$("clear").addEventListener("click", () => go({ filters: {}, outcome: [], kind: [], administrative: false }));

gate({
  entered: (me) => {
    const isAuditor = me.roles.includes(AUDITOR);
    $("restricted").hidden = isAuditor;
    $("restricted").replaceChildren(
      "This token has not the role ",
      el("strong", {}, AUDITOR),
      ": you see the records of ",
      value(me.caller),
      " only. Ask for a token with that role to see all.",
    );
    show(true);
  },
  left: () => {
    drawer.close();
    table.clear();
    filters.clear();
    chart.clear();
    loaded = null;
    for (const id of ["restricted", "total", "exporting"]) $(id).replaceChildren();
  },
});
