// One quota as a row: how much of it is used, how that was in the last minute, who waits, and what was refused.

import { count, duration, el, figure, svg, value } from "./text.js";

const MINUTE = 60_000;

// Callers that a row names before it says how many more there are.
const MOST = 5;

const WIDTH = 240;

export class Quota {
  constructor() {
    this.history = [];
    this.root = el("li", { class: "quota" });
  }

  // What is asked of the rows by the filter.
  get text() {
    const { action, identity, host, region, accounts, callers } = this.quota;
    return [action, identity, host, region, ...accounts, ...callers.map(({ caller }) => caller)].join(" ").toLowerCase();
  }

  get waiting() {
    return this.quota.waiting;
  }

  show(quota, at) {
    this.quota = quota;
    this.history.push({ at, used: quota.used, waiting: quota.waiting });
    this.history = this.history.filter((sample) => sample.at > at - MINUTE);
    this.draw(at);
  }

  // Not in use any more. Answers whether it was not for the whole minute.
  rest(at) {
    const isOver = this.history.every(({ used, waiting }) => used + waiting === 0);
    this.show({ ...this.quota, refused_last_minute: 0, used: 0, waiting: 0, callers: [], learned_limit: null }, at);
    return isOver;
  }

  draw(at) {
    const { action, accounts, identity, host, region, limit, window_ms: length, used, waiting, callers } = this.quota;
    const { refused, refused_last_minute: lately, throttled } = this.quota;
    const whose = accounts.length ? accounts.join(", ") : identity;
    const named = callers.slice(0, MOST);
    const more = callers.length - named.length;
    this.root.classList.toggle("full", waiting > 0);
    this.root.replaceChildren(
      el(
        "div",
        { class: "what" },
        value(action, { class: "action" }),
        el("div", { class: "faint" }, ...[whose, host, region].filter(Boolean).map((text) => value(text))),
      ),
      el(
        "div",
        { class: "level" },
        this.bar(),
        el("div", {}, el("strong", {}, `${figure(used)} of ${figure(limit)}`), ` in ${duration(length)}`, ...this.notes()),
      ),
      el("div", { class: "minute" }, this.spark(at), el("div", { class: "faint" }, "last minute")),
      el(
        "div",
        { class: "waiting" },
        waiting ? el("strong", {}, `${count(waiting, "call")} waiting`) : el("span", { class: "faint" }, "nobody waits"),
        named.length > 0 &&
          el(
            "ul",
            { "aria-label": "Waiting by caller" },
            named.map(({ caller, waiting }) => el("li", {}, value(caller), el("span", { class: "times" }, ` ${figure(waiting)}`))),
            more > 0 && el("li", { class: "faint" }, `and ${figure(more)} more`),
          ),
      ),
      el(
        "div",
        { class: "refusals" },
        refused
          ? [el("strong", {}, `${figure(lately)} refused`), " in the last minute", el("div", { class: "faint" }, `${figure(refused)} by this replica`)]
          : el("span", { class: "faint" }, "none refused"),
        throttled > 0 && el("div", { class: "throttled" }, `throttled ${count(throttled, "time")}`),
      ),
    );
  }

  notes() {
    const { learned_limit: learned, reserve } = this.quota;
    return [
      learned !== null && el("div", { class: "learned" }, `the cloud allows ${figure(learned)} just now`),
      reserve > 0 && el("div", { class: "faint" }, `${figure(reserve)} held back for stops and pauses`),
    ];
  }

  // Used of the limit; what is reserved and what the cloud does not allow are hatched or barred at its end.
  bar() {
    const { limit, used, reserve, learned_limit: learned } = this.quota;
    const at = (calls) => (limit ? Math.min(calls / limit, 1) : 1) * WIDTH;
    const allowed = learned ?? limit;
    const words = [`${used} of ${limit} used`];
    if (reserve) words.push(`${reserve} held back`);
    if (learned !== null) words.push(`the cloud allows ${learned}`);
    const part = (name, from, to) =>
      to > from && svg("rect", { class: name, x: at(from), y: 0, width: at(to) - at(from), height: 12 });
    return svg(
      "svg",
      { class: "gauge", viewBox: `0 0 ${WIDTH} 12`, preserveAspectRatio: "none", role: "img", "aria-label": words.join(", ") },
      part("room", 0, limit),
      part("reserved", allowed - reserve, allowed),
      part("denied", allowed, limit),
      part("used", 0, used),
      learned !== null && svg("line", { class: "edge-of", x1: at(allowed), x2: at(allowed), y1: 0, y2: 12 }),
    );
  }

  spark(now) {
    const most = Math.max(this.quota.limit, 1);
    const x = ({ at }) => (WIDTH / 2) * (1 - (now - at) / MINUTE);
    const y = ({ used }) => 23 - 22 * Math.min(used / most, 1);
    const points = this.history.map((sample) => `${x(sample).toFixed(1)},${y(sample).toFixed(1)}`).join(" ");
    const waited = this.history.filter(({ waiting }) => waiting > 0);
    return svg(
      "svg",
      { class: "spark", viewBox: `0 0 ${WIDTH / 2} 24`, preserveAspectRatio: "none", "aria-hidden": "true" },
      waited.map((sample) => svg("rect", { class: "waited", x: x(sample) - 1, y: 0, width: 2, height: 24 })),
      svg("line", { class: "grid", x1: 0, x2: WIDTH / 2, y1: 1, y2: 1 }),
      svg("polyline", { class: "line", points }),
    );
  }
}
