// Elements out of text. Whatever a record says was written by somebody else: it becomes text nodes here and nothing
// else, and what the eye would not see in it (controls, direction marks, zero width) is shown by its number.

// Controls, formats, line and paragraph separators, lone surrogates, private and unassigned code points; and letters that
// are drawn as nothing.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0]/u;

const SVG = "http://www.w3.org/2000/svg";

const number = new Intl.NumberFormat("en-US");

const local = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

// The nodes of a text; line feeds stay only where they are ours.
function nodes(text, keepLines) {
  const found = [];
  let plain = "";
  const flush = () => {
    if (plain) found.push(document.createTextNode(plain));
    plain = "";
  };
  for (const sign of text) {
    if (!UNSEEN.test(sign) || (keepLines && sign === "\n")) {
      plain += sign;
      continue;
    }
    flush();
    const mark = document.createElement("span");
    mark.className = "unseen";
    mark.textContent = `U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
    found.push(mark);
  }
  flush();
  return found;
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  for (const child of children.flat(2)) {
    if (child == null || child === false) continue;
    element.append(...(child instanceof Node ? [child] : nodes(String(child), false)));
  }
  return element;
}

// An element with attributes, listeners (`onclick`) and children; texts among them are shown as above.
export const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

export const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

// A value out of a record: its direction does not spread to what stands beside it.
export const value = (text, attributes) => el("bdi", { dir: "ltr", ...attributes }, text);

// A value of which a table shows the beginning.
export const short = (text, most = 120) => (text.length > most ? `${text.slice(0, most)}…` : text);

// Text of several lines, as the page has set them.
export function block(text) {
  const pre = el("pre", { dir: "ltr", tabindex: "0" });
  pre.append(...nodes(text, true));
  return pre;
}

// JSON with line feeds, its tokens as they were written: a parser would round large numbers and drop members that come
// twice. What is not JSON comes out a little torn, with every sign in its order.
export function spread(json) {
  let out = "";
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"?|[[{]\s*[\]}]|[[\]{},:]|[^\s"[\]{},:]+|\s+/gsu)) {
    if (/^\s/u.test(token)) continue;
    if (token === "{" || token === "[") {
      depth = Math.min(depth + 1, 64);
      out += token + line();
    } else if (token === "}" || token === "]") {
      depth = Math.max(depth - 1, 0);
      out += line() + token;
    } else if (token === ",") out += token + line();
    else if (token === ":") out += ": ";
    else out += token;
  }
  return out;
}

export const count = (many, one = "record", more = `${one}s`) => `${number.format(many)} ${many === 1 ? one : more}`;

// Behind a record that stands for many calls.
export const times = ({ calls }) => calls > 1 && el("span", { class: "times" }, ` ×${number.format(calls)}`);

export const figure = (many) => number.format(many);

// `2026-11-21T16:55:52.123456Z` as a column shows it: UTC, milliseconds.
export function stamp(iso, digits = 3) {
  const [whole, fraction = ""] = String(iso).replace("Z", "").split(".");
  const end = digits ? `.${fraction.slice(0, digits).padEnd(digits, "0")}` : "";
  return whole.replace("T", " ") + end;
}

// A time with the reader's own on hover.
export function time(iso, digits) {
  const at = new Date(iso);
  const title = Number.isNaN(at.getTime()) ? null : `${local.format(at)} (your time)\n${iso}`;
  return el("time", { datetime: iso, title }, stamp(iso, digits));
}

export function duration(ms) {
  if (ms < 1000) return `${ms} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

// Copies, or where the browser forbids it (no TLS) says so, so that it can be done by hand.
export async function copy(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select it and copy by hand";
  }
  setTimeout(() => (button.textContent = before), 2500);
}
