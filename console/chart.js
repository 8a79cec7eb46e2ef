// Calls over time: a bar for each stretch of the range, stacked by outcome. A stretch is a whole number of the log's own
// buckets (minutes, hours, days), as many as make about a hundred bars.

import { advice, ask } from "./api.js";
import { ceiling, labels, merged, step } from "./bins.js";
import { Brush } from "./brush.js";
import { el, figure, stamp, svg } from "./text.js";
import { OUTCOMES, iso, parameters } from "./view.js";

const HEIGHT = 132;
const PAD = { left: 44, right: 8, top: 10, bottom: 20 };

// A bar of few among bars of many is still seen.
const LEAST = 2;

export class Chart {
  constructor(root, { zoomed, back, counted }) {
    Object.assign(this, { root, counted, bins: [], outcomes: OUTCOMES, selection: null, hovered: null });
    this.readout = el("output", { class: "readout", "aria-live": "polite" });
    this.picture = svg("svg", {
      class: "bars",
      tabindex: "0",
      role: "application",
      "aria-roledescription": "time chart",
      "aria-label":
        "Calls over time. Arrow keys move over the bars, Shift and arrow keys select, Enter narrows the range to the selection, Escape goes back.",
    });
    this.root.append(this.picture, this.readout);
    this.brush = new Brush(this.picture, {
      bins: () => this.bins.length,
      binAt: (x) => this.binAt(x),
      shown: (selection) => {
        this.selection = selection;
        this.draw();
      },
      taken: (first, last) =>
        zoomed(Math.max(this.bins[first].start, this.range.from), Math.min(this.bins[last].end, this.range.to)),
      left: back,
    });
    this.picture.addEventListener("pointermove", (event) => this.hover(this.binAt(event.clientX)));
    this.picture.addEventListener("pointerleave", () => this.hover(null));
    new ResizeObserver(() => this.draw()).observe(this.root);
  }

  // Asks for the numbers of a view. The outcomes are all asked for, so that each shows how many it would bring.
  async load(view, range) {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    this.outcomes = view.outcome.length ? view.outcome : OUTCOMES;
    this.root.setAttribute("aria-busy", "true");
    const { length, per } = step(range);
    try {
      const { body } = await ask("summary", { ...parameters(view, range, false), per, by: "outcome" }, asking.signal);
      if (asking.signal.aborted) return;
      this.range = range;
      this.bins = merged(body.buckets, length);
      this.records = body.records;
      this.problem = null;
    } catch (problem) {
      if (asking.signal.aborted) return;
      this.bins = [];
      this.problem = problem;
    }
    // What was pointed at is not there any more.
    this.hovered = null;
    this.root.removeAttribute("aria-busy");
    this.brush.drop();
    this.counted(this.problem ? null : this.totals(), this.records);
  }

  // Nothing of what was shown stays.
  clear() {
    this.asking?.abort();
    this.bins = [];
    this.hovered = null;
    this.brush.drop();
  }

  totals() {
    const totals = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0]));
    for (const bin of this.bins) for (const outcome of OUTCOMES) totals[outcome] += bin.counts[outcome] ?? 0;
    return totals;
  }

  binAt(clientX) {
    const box = this.picture.getBoundingClientRect();
    const at = ((clientX - box.left - PAD.left) / (box.width - PAD.left - PAD.right)) * this.bins.length;
    return Math.max(0, Math.min(this.bins.length - 1, Math.floor(at)));
  }

  hover(bin) {
    if (this.hovered === bin) return;
    this.hovered = bin;
    this.draw();
  }

  draw() {
    const width = Math.max(240, this.root.clientWidth);
    const inner = { width: width - PAD.left - PAD.right, height: HEIGHT - PAD.top - PAD.bottom };
    this.picture.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.picture.setAttribute("width", width);
    this.picture.setAttribute("height", HEIGHT);
    const shown = (bin) => this.outcomes.reduce((sum, outcome) => sum + (bin.counts[outcome] ?? 0), 0);
    const top = ceiling(Math.max(1, ...this.bins.map(shown)));
    const each = inner.width / Math.max(1, this.bins.length);
    const y = (many) => PAD.top + inner.height - (many / top) * inner.height;
    this.picture.replaceChildren(
      ...this.highlight(each, inner),
      ...lines(top, y, width),
      ...this.bins.flatMap((bin, at) => this.bar(bin, PAD.left + at * each, each, inner.height / top)),
      ...this.ticks(each, width),
    );
    this.readout.replaceChildren(el("span", {}, this.reading()));
  }

  bar(bin, x, each, unit) {
    let foot = HEIGHT - PAD.bottom;
    const gap = each > 4 ? 1 : 0;
    return this.outcomes
      .filter((outcome) => bin.counts[outcome])
      .map((outcome) => {
        const tall = Math.max(LEAST, bin.counts[outcome] * unit);
        foot -= tall;
        return svg("rect", {
          class: `bar ${outcome}`,
          x: x + gap / 2,
          y: foot,
          width: Math.max(0.5, each - gap),
          height: tall,
        });
      });
  }

  // What is selected, or under the pointer, behind the bars.
  highlight(each, inner) {
    const area = (first, last, kind) =>
      svg("rect", {
        class: kind,
        x: PAD.left + first * each,
        y: PAD.top,
        width: (last - first + 1) * each,
        height: inner.height,
      });
    if (this.selection) return [area(this.selection.first, this.selection.last, "selected")];
    return this.hovered !== null && this.bins.length ? [area(this.hovered, this.hovered, "hovered")] : [];
  }

  ticks(each, width) {
    const place = (at) => ({ class: "axis", x: PAD.left + at * each, y: HEIGHT - 5 });
    const isWhole = ([at]) => at * each < width - 130;
    return labels(this.bins, width)
      .filter(isWhole)
      .map(([at, text]) => svg("text", place(at), text));
  }

  // One line in words: what is selected or pointed at, else what there is.
  reading() {
    if (this.problem) return [`The chart could not be loaded: ${this.problem.message} ${advice(this.problem) ?? ""}`];
    if (!this.bins.length) return ["Loading…"];
    const [first, last] = this.selection ? [this.selection.first, this.selection.last] : [this.hovered, this.hovered];
    if (first === null) return ["Drag over the chart to narrow the range, or focus it and use the arrow keys."];
    const counts = {};
    for (const bin of this.bins.slice(first, last + 1)) {
      for (const [outcome, many] of Object.entries(bin.counts)) counts[outcome] = (counts[outcome] ?? 0) + many;
    }
    const said = this.outcomes.filter((outcome) => counts[outcome]).map((outcome) => `${figure(counts[outcome])} ${outcome}`);
    const time = `${stamp(iso(this.bins[first].start), 0)} to ${stamp(iso(this.bins[last].end), 0)} UTC: `;
    return [
      time,
      said.join(", ") || "nothing",
      this.selection && !this.brush.dragging ? ". Enter narrows the range to it." : "",
    ];
  }
}

function lines(top, y, width) {
  const halves = top > 1 && top % 2 === 0 ? [0, top / 2, top] : [0, top];
  return halves.flatMap((many) => [
    svg("line", { class: "grid", x1: PAD.left, x2: width - PAD.right, y1: y(many), y2: y(many) }),
    svg("text", { class: "axis amount", x: PAD.left - 6, y: y(many) + 4 }, figure(many)),
  ]);
}
