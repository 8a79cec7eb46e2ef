// Everything that fits, as a file. The browser holds it in memory on its way to the disk, so what is large is left to the
// command, which writes as it reads.

import { Problem, stream, wrapped } from "./api.js";
import { failure } from "./notes.js";
import { copy, count, el, figure } from "./text.js";

// Records, at one or two kilobytes each: 100 MB at most.
const MOST = 50_000;

const MEDIA = { csv: "text/csv", ndjson: "application/x-ndjson" };

// A word of a shell. Controls are written by number: a filter may come out of somebody else's link, and a terminal obeys
// what is pasted into it.
function quoted(text) {
  if (/^[\w.:,/@+-]+$/u.test(text)) return text;
  if (!/\p{Cc}/u.test(text)) return `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const number = (sign) => `\\u${sign.codePointAt(0).toString(16).padStart(4, "0")}`;
  return `$'${text.replaceAll(/[\\']/gu, String.raw`\$&`).replaceAll(/\p{Cc}/gu, number)}'`;
}

// The command that brings the same.
export function command(parameters, format) {
  const flags = Object.entries(parameters).map(([name, text]) => `--${name.replaceAll("_", "-")}=${quoted(text)}`);
  return ["dts-gateway audit export", ...flags, `--format=${format}`, `--output=audit-records.${format}`].join(" ");
}

export class Export {
  // `state()` answers the parameters and how many records they bring at most, if that is known.
  constructor(root, note, state) {
    Object.assign(this, { note, state, asking: null });
    this.buttons = Object.keys(MEDIA).map((format) =>
      el(
        "button",
        { type: "button", "data-format": format, onclick: () => this.run(format) },
        `Export ${format.toUpperCase()}`,
      ),
    );
    root.append(...this.buttons, el("button", { type: "button", onclick: () => this.tell("csv", null) }, "As a command"));
  }

  // Shows the command instead.
  tell(format, why) {
    const text = command(this.state().parameters, format);
    const button = el("button", { type: "button", onclick: () => copy(text, button) }, "Copy");
    const done = el("button", { type: "button", onclick: () => this.clear() }, "Close");
    const environment = el(
      "p",
      { class: "faint" },
      "It reads the listener's address and the token from DTS_GATEWAY_ADMIN_URL and DTS_GATEWAY_ADMIN_TOKEN.",
    );
    this.note.replaceChildren(why ?? "", el("pre", { class: "command", tabindex: "0" }, text), button, " ", done, environment);
  }

  clear() {
    this.asking?.abort();
    this.note.replaceChildren();
  }

  async run(format) {
    const { parameters, total } = this.state();
    if (total !== null && total > MOST) {
      return this.tell(
        format,
        `${count(total)} are more than a browser should hold (${figure(MOST)}). This command writes them as it reads:`,
      );
    }
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    const progress = el("span", {}, "Exporting…");
    const stop = el("button", { type: "button", onclick: () => this.clear() }, "Stop");
    this.note.replaceChildren(progress, " ", stop);
    const told = (bytes) => {
      progress.textContent = `Exporting… ${figure(Math.ceil(bytes / 1024))} KiB${total === null ? "" : ` of ${count(total)}`}`;
    };
    try {
      const blob = await read(await stream("records", { ...parameters, format }, asking.signal), format, told);
      save(blob, `audit-records.${format}`);
      this.note.replaceChildren(
        `Exported ${figure(Math.ceil(blob.size / 1024))} KiB as audit-records.${format}. `,
        el("button", { type: "button", onclick: () => this.clear() }, "Close"),
      );
    } catch (problem) {
      if (!asking.signal.aborted) this.note.replaceChildren(failure(problem, () => this.run(format)));
    }
  }
}

// Reads to the end. A stream that was broken off is no export: CSV breaks the connection, NDJSON lacks its last line.
async function read(answer, format, told) {
  const parts = [];
  let bytes = 0;
  const reader = answer.body.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value);
      bytes += part.value.length;
      told(bytes);
    }
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw wrapped(new Error("broken off"));
  }
  const blob = new Blob(parts, { type: MEDIA[format] });
  if (format === "ndjson") {
    const last = (await blob.slice(-4096).text()).trimEnd().split("\n").pop();
    if (!last.startsWith('{"end":'))
      throw new Problem(0, "broken-off", "The export broke off before its end; nothing was saved.");
  }
  return blob;
}

function save(blob, name) {
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: name }).click();
  // The download has taken hold of it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
