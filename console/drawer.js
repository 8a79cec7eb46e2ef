// The dialog at the side: a record or a task's history above the table. The browser keeps the focus in it and closes it
// with Escape; which one is open stands in the address, so Back closes it too.

import { failure } from "./notes.js";
import { el } from "./text.js";

export class Drawer {
  // `closed()` is told when the reader closed it; `stepped(direction)` when another record is wanted.
  constructor(dialog, { closed, stepped }) {
    Object.assign(this, { dialog, closed, shown: null, asking: null });
    this.title = el("h2", { id: "drawer-title", tabindex: "-1" });
    this.body = el("div", { class: "body" });
    const step = (text, title, direction) =>
      el(
        "button",
        { type: "button", class: "step-record", title, "aria-label": title, onclick: () => stepped(direction) },
        text,
      );
    this.steps = el("span", {}, step("↑", "Newer record", -1), step("↓", "Older record", 1));
    const close = el("button", { type: "button", class: "close", onclick: () => dialog.close() }, "Close");
    dialog.setAttribute("aria-labelledby", "drawer-title");
    dialog.append(el("header", { class: "bar" }, this.title, this.steps, close), this.body);
    dialog.addEventListener("close", () => this.end(true));
    // A click beside it, on the backdrop, is on the dialog itself.
    dialog.addEventListener("pointerdown", (event) => event.target === dialog && dialog.close());
  }

  // Shows what `load(body, signal)` brings; it answers the title. `name` says what it is, so that it is not loaded twice.
  async open(name, isRecord, load) {
    if (this.shown === name) return;
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    this.shown = name;
    this.steps.hidden = !isRecord;
    this.title.textContent = "Loading…";
    this.body.replaceChildren(el("span", { class: "loading" }, "Loading…"));
    this.body.scrollTop = 0;
    if (!this.dialog.open) this.dialog.showModal();
    this.title.focus();
    try {
      const title = await load(this.body, asking.signal);
      if (!asking.signal.aborted) this.title.replaceChildren(el("span", {}, title));
    } catch (problem) {
      if (asking.signal.aborted) return;
      this.title.textContent = "Not shown";
      const retry = () => {
        this.shown = null;
        this.open(name, isRecord, load);
      };
      this.body.replaceChildren(failure(problem, problem.status === 404 ? null : retry));
    }
  }

  // Closes it because the address says so.
  close() {
    this.end(false);
    if (this.dialog.open) this.dialog.close();
  }

  end(isWish) {
    if (this.shown === null) return;
    this.asking?.abort();
    this.shown = null;
    this.title.replaceChildren();
    this.body.replaceChildren();
    if (isWish) this.closed();
  }
}
