// What was found, taken away as a file; what is too much for a browser, left to the command.

import assert from "node:assert/strict";
import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";

import { ask, button, change, changed, text, told } from "./browser.mjs";

export async function exports(page, browser) {
  await change(page, () => page.click("#outcomes .refused"));
  await page.type("#filters [name=caller]", "reader");
  // Leaving a field applies it, and does not disturb the next.
  await change(page, () => page.type("#filters [name=action]", "StopMigrateJob"));
  await change(page, () => page.keyboard.press("Enter"));
  const csv = await downloaded(page, browser, "Export CSV", "audit-records.csv");
  const [head, ...rows] = csv.trimEnd().split("\r\n");
  assert.match(head, /^id,time,account,/);
  assert.equal(rows.length, told.many);
  const lines = (await downloaded(page, browser, "Export NDJSON", "audit-records.ndjson"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(lines.pop().end.records, told.many);
  assert(lines.every(({ outcome, caller }) => outcome === "refused" && caller === "reader"));
  await (await button(page, "As a command")).click();
  const command = await text(page, "#exporting .command");
  assert.match(
    command,
    /^dts-gateway audit export --caller=reader --action=StopMigrateJob --from=\S+ --to=\S+ --outcome=refused --format=csv --output=audit-records\.csv$/,
  );
  return rows.map((row) => row.split(",")[0]);
}

export async function leavesTheLargeToTheCommand(page) {
  const many = async (url) => {
    if (!url.pathname.endsWith("/summary")) return undefined;
    const real = await ask(`summary${url.search}`);
    real.buckets[0].counts.refused = 60_000;
    real.records += 60_000;
    return real;
  };
  await changed(page, many, async () => {
    await (await button(page, "Refresh")).click();
    await page.waitForFunction(() => document.querySelector("#total").innerText.startsWith("60,"));
    await (await button(page, "Export CSV")).click();
    await page.waitForSelector("#exporting .command");
    assert.match(await text(page, "#exporting"), /^60,\d{3} records are more than a browser should hold/);
  });
}

async function downloaded(page, browser, words, name) {
  const client = await browser.target().createCDPSession();
  await client.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: told.downloads, eventsEnabled: true });
  const done = new Promise((resolve) =>
    client.on("Browser.downloadProgress", ({ state }) => state === "completed" && resolve()),
  );
  await (await button(page, words)).click();
  await done;
  await page.waitForFunction((name) => document.querySelector("#exporting").innerText.includes(name), {}, name);
  const file = join(told.downloads, name);
  const content = await readFile(file, "utf8");
  await rename(file, `${file}.read`);
  await client.detach();
  return content;
}
