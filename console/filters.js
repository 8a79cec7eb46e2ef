// The form above the chart. It shows a view and tells what the reader makes of it; it asks nothing itself.

import { el, figure, stamp } from "./text.js";
import { KINDS, LAST, OUTCOMES, TEXTS, iso } from "./view.js";

const TITLES = {
  ok: "Allowed, and answered by the cloud without an error",
  refused: "Not carried out: the gateway said no",
  failed: "Allowed, and answered by the cloud with an error",
  unknown: "Sent, and nobody knows what came of it",
  open: "Changes under way",
};

const LABELS = {
  caller: "Caller",
  action: "Action",
  task_id: "Task",
  reason: "Reason",
  request_id: "Request id",
  text: "Text in the error",
  team: "Team",
  account: "Account",
  region: "Region",
  family: "Family",
  version: "Version",
  key_id: "Key id",
  settled: "Settled as",
};

// Beyond the first six they are asked for rarely.
const OFTEN = 6;

const FORM = "A time in UTC, such as 2026-01-31 09:30:00; the time of day may be left out.";

// What is typed for a time, in milliseconds. A browser's own field for it would follow the reader's habits: 12 hours, the
// month first, local time. A log is read in one form.
function instant(text) {
  const parts = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(:\d\d(?:\.\d{1,3})?)?)?Z?$/u.exec(text.trim());
  const at = parts ? Date.parse(`${parts[1]}T${parts[2] ?? "00:00"}${parts[3] ?? ":00"}Z`) : NaN;
  return Number.isNaN(at) ? null : at;
}

export class Filters {
  constructor({ form, outcomes }, changed) {
    Object.assign(this, { form, changed, view: null, range: {} });
    this.outcomes = this.chips(outcomes, "outcome", OUTCOMES, (word) => TITLES[word]);
    this.kinds = this.chips(form.querySelector("#kinds"), "kind", KINDS, () => null);
    this.administrative = form.querySelector("#administrative");
    this.administrative.addEventListener("click", () => this.changed({ administrative: !this.view.administrative }));
    this.last = form.querySelector("#last");
    this.last.append(
      ...Object.keys(LAST).map((name) => el("option", { value: name }, `last ${name}`)),
      el("option", { value: "" }, "from … to"),
    );
    this.fixed = { from: form.querySelector("#from"), to: form.querySelector("#to") };
    const field = (name) =>
      el(
        "label",
        {},
        el("span", {}, LABELS[name]),
        el("input", { name, placeholder: " ", autocomplete: "off", spellcheck: "false", maxlength: "512" }),
      );
    form.querySelector("#often").append(...TEXTS.slice(0, OFTEN).map(field));
    form.querySelector("#seldom").append(...TEXTS.slice(OFTEN).map(field));
    this.rest = form.querySelector("details");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.apply();
    });
    form.addEventListener("change", (event) => event.target.name && this.apply());
    this.last.addEventListener(
      "change",
      () => this.last.value && this.changed({ last: this.last.value, from: null, to: null }),
    );
    for (const input of Object.values(this.fixed)) input.addEventListener("change", () => this.between());
  }

  // Buttons that are pressed or not; none pressed means all.
  chips(root, name, words, title) {
    return Object.fromEntries(
      words.map((word) => {
        const number = el("span", { class: "number" });
        const chip = el(
          "button",
          {
            type: "button",
            class: `chip ${word}`,
            "aria-pressed": "false",
            title: title(word),
            onclick: () => this.toggle(name, word, words),
          },
          word,
          number,
        );
        root.append(chip);
        return [word, { chip, number }];
      }),
    );
  }

  toggle(name, word, words) {
    const chosen = this.view[name].includes(word)
      ? this.view[name].filter((other) => other !== word)
      : [...this.view[name], word];
    this.changed({ [name]: words.filter((other) => chosen.includes(other)) });
  }

  apply() {
    const filters = {};
    for (const name of TEXTS) {
      const text = this.form.elements[name].value.trim();
      if (text) filters[name] = text;
    }
    if (JSON.stringify(filters) !== JSON.stringify(this.view.filters)) this.changed({ filters });
  }

  between() {
    const { from, to } = this.fixed;
    const [begin, end] = [instant(from.value), instant(to.value)];
    from.setCustomValidity(begin === null ? FORM : "");
    to.setCustomValidity(end === null ? FORM : begin !== null && begin >= end ? "The end must be after the beginning." : "");
    if (from.reportValidity() && to.reportValidity()) this.changed({ last: null, from: iso(begin), to: iso(end) });
  }

  // A field is written only when what it stands for has changed: somebody may be typing in it already when the view
  // follows what was typed in another.
  show(view, { from, to }) {
    const before = this.view;
    this.view = view;
    for (const name of TEXTS) {
      if (before?.filters[name] !== view.filters[name]) this.form.elements[name].value = view.filters[name] ?? "";
    }
    // On a narrow screen the other fields are folded away with them.
    const folded = matchMedia("(max-width: 760px)").matches ? TEXTS : TEXTS.slice(OFTEN);
    if (folded.some((name) => view.filters[name])) this.rest.open = true;
    for (const [name, chips] of [
      ["outcome", this.outcomes],
      ["kind", this.kinds],
    ]) {
      for (const [word, { chip }] of Object.entries(chips))
        chip.setAttribute("aria-pressed", String(view[name].includes(word)));
    }
    this.administrative.setAttribute("aria-pressed", String(view.administrative));
    this.last.value = view.last ?? "";
    for (const [name, at] of Object.entries({ from, to })) {
      if (this.range[name] !== at) this.fixed[name].value = stamp(iso(at), 0);
      this.fixed[name].setCustomValidity("");
    }
    this.range = { from, to };
  }

  // Nothing of what was shown or typed stays.
  clear() {
    this.form.reset();
    this.view = null;
    this.range = {};
  }

  count(totals) {
    for (const [word, { number }] of Object.entries(this.outcomes)) number.textContent = totals ? figure(totals[word]) : "";
  }
}
