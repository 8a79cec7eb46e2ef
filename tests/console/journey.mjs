// What a reader does in a day: signs in, filters, opens a record, looks at a task, chooses a range with the mouse and with
// the keyboard, and takes what was found away as a file.

import assert from "node:assert/strict";
import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";

import { ask, button, change, changed, enter, ids, range, scenario, settled, text, texts, times, told } from "./browser.mjs";

await scenario(async (page, browser) => {
  await enter(page);
  assert.match(await text(page, "#who"), /^auditor auditor$/);
  assert(!(await page.$eval("#restricted", (element) => element.checkVisibility())), "an auditor sees everything");
  assert.equal((await texts(page, "#outcomes .chip")).length, 5);

  await filtersByOutcome(page);
  await filtersByText(page);
  await scrolls(page);
  await opensARecord(page);
  await showsProof(page);
  await showsATask(page);
  await brushesByMouse(page);
  await brushesByKeyboard(page);
  const exported = await exports(page, browser);
  await leavesTheLargeToTheCommand(page);
  await holdsABoundedNumber(page);
  await sharesAndSignsOut(page);
  return { exported };
});

async function filtersByOutcome(page) {
  await change(page, () => page.click("#outcomes .refused"));
  const outcomes = new Set(await texts(page, "#records td.outcome"));
  assert.deepEqual([...outcomes], ["refused"], "only what was refused is shown");
  const total = Number((await text(page, "#total")).replace(/\D/g, ""));
  const counted = Number((await text(page, "#outcomes .refused .number")).replace(/\D/g, ""));
  assert.equal(total, counted);
  assert(total > told.many, `${total}: the calls of the day and those of now`);
  await change(page, () => page.click("#outcomes .failed"));
  assert.deepEqual([...new Set(await texts(page, "#records td.outcome"))].sort(), ["failed", "refused"]);
  await change(page, async () => (await button(page, "Clear filters")).click());
}

async function filtersByText(page) {
  await page.type("#filters [name=caller]", "reader");
  await change(page, () => page.keyboard.press("Enter"));
  assert.deepEqual([...new Set(await texts(page, "#records td.caller bdi:first-child"))], ["reader"]);
  // Nothing fits: it is said, with a way out.
  await page.type("#filters [name=action]", "NoSuchAction");
  await change(page, () => page.keyboard.press("Tab"));
  await page.waitForFunction(() => document.querySelector("#records .nothing"));
  await change(page, () => page.click("#records .nothing button"));
  assert((await ids(page)).length > 0);
}

async function scrolls(page) {
  await page.type("#filters [name=caller]", "reader");
  await change(page, () => page.keyboard.press("Enter"));
  // Twice drawn: were the end in sight, it would have been noticed.
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  await settled(page);
  const first = await ids(page);
  assert.equal(first.length, 100, "a page of records, and no more before it is scrolled");
  await page.$eval("#records", (element) => element.scrollTo(0, element.scrollHeight));
  await page.waitForFunction((least) => document.querySelectorAll("#records tbody tr").length > least, {}, first.length);
  await page.waitForFunction(() => document.querySelector("#records .note").innerText.startsWith("That is all"));
  const all = await ids(page);
  assert.equal(new Set(all).size, all.length, "none comes twice");
  const { records } = await ask(`records?caller=reader&limit=1000`);
  assert.deepEqual(all, records.map(({ id }) => id));
}

async function opensARecord(page) {
  await change(page, async () => (await button(page, "Clear filters")).click());
  // By keyboard: Tab stops once in the table, arrows move, Enter opens.
  await page.$eval("#records tbody tr", (row) => row.focus());
  await page.keyboard.press("ArrowDown");
  const second = (await ids(page))[1];
  assert.equal(await page.evaluate(() => document.activeElement.dataset.id), second);
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog .headline", { visible: true });
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector("dialog").open);
  await page.waitForFunction((id) => document.activeElement.dataset.id === id, {}, second);

  await shows(page, told.refused);
  const headline = await text(page, "dialog .headline");
  assert.match(headline, /not-granted/);
  assert.match(headline, /reader has no grant for CreateMigrateJob/);
  assert.match(await text(page, "dialog [data-step=authorize]"), /^Grant\s+refused/);
  assert.match(await text(page, "dialog [data-step=authenticate]"), /passed\s+reader by jwt:development/);
  assert.match(await text(page, "dialog [data-step=forward]"), /not reached/);
  const everything = await text(page, "dialog");
  assert.match(everything, /"Password": "\[redacted\]"/);
  assert(!everything.includes("planted-Passw0rd"));
  assert.match(everything, /Keyed digest.*[0-9a-f]{64}/s);

  await shows(page, told.stopped);
  assert.match(await text(page, "dialog [data-step=authorize]"), /passed\s+platform\//);
  assert.match(await text(page, "dialog [data-step=state]"), new RegExp(`${told.task} was `));
  assert.match(await text(page, "dialog [data-step=intent]"), /durable before a byte was sent/);
  assert.match(await text(page, "dialog [data-step=forward]"), /status 200/);
  const proofs = await texts(page, "dialog .proof");
  assert.equal(proofs.length, 2, "an intent and its end");
  for (const proof of proofs) assert.match(proof, /^(Intent|End): (not provable|pending|proven)/);

  await shows(page, told.failed);
  assert.match(await text(page, "dialog [data-step=forward]"), /failed\s+status 200.*InternalError\.LockError/s);
}

async function showsProof(page) {
  const path = `/v1/audit/records/${told.stopped}`;
  const real = await ask(`records/${told.stopped}`);
  const proof = { log: "0/changes", index: 12, hash: "ab".repeat(32), checkpoint: { origin: "gateway.example/audit/0/changes", size: 20 }, path: ["cd".repeat(32)] };
  for (const state of ["proven", "pending", "mismatch"]) {
    await shows(page, told.failed);
    const written = { ...real, intent: { ...real.intent, proof: { ...proof, state } }, ended: { record: real.ended.record } };
    await changed(page, (url) => (url.pathname === path ? written : undefined), () => shows(page, told.stopped));
    const [intent, end] = await texts(page, "dialog .proof");
    assert.match(intent, new RegExp(`^Intent: ${state}\n.*0/changes.*12.*abab.*1 hash.*gateway.example`, "s"));
    assert.match(end, /^End: not provable\n/);
  }
}

async function shows(page, id) {
  await page.evaluate((id) => { location.hash = `#last=24h&record=${id}`; }, id);
  await page.waitForFunction((id) => document.querySelector("dialog")?.innerText.includes(id), {}, id);
  await page.waitForSelector("dialog .headline");
}

async function showsATask(page) {
  await shows(page, told.stopped);
  await (await button(page, told.task)).click();
  await page.waitForSelector("dialog .history li");
  const { records } = await ask(`tasks/${told.task}?limit=1000`);
  await (await button(page, "More")).click();
  await page.waitForFunction((all) => document.querySelectorAll("dialog .history li").length === all, {}, records.length);
  const shown = await texts(page, "dialog .history li .badge");
  assert.deepEqual(shown, records.map(({ outcome }) => outcome), "oldest first");
  assert.equal(shown.at(-1), "ok");
  assert.equal(shown[0], "refused");
  // Reads are left out unless they are asked for.
  await page.click("dialog .check input");
  await page.waitForFunction(() => document.querySelector("dialog .history li")?.innerText.includes("DescribeMigrateJobs"));
  await page.click("dialog .history li button");
  await page.waitForSelector("dialog .headline.ok");
  await page.goBack();
  await page.waitForSelector("dialog .history li");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector("dialog").open);
}

// Where the middle of a bar's place is; `part` of the chart from its left.
async function place(page, part) {
  const box = await (await page.$("#chart svg")).boundingBox();
  return [box.x + 44 + (box.width - 52) * part, box.y + box.height / 2];
}

async function narrowed(page, before) {
  const chosen = await range(page);
  assert(chosen.from >= before.from && chosen.to <= before.to && chosen.from < chosen.to, JSON.stringify({ chosen, before }));
  const shown = await times(page);
  assert(shown.length > 0 && shown.every((time) => time >= chosen.from && time < chosen.to), "the table follows");
  const { total } = await ask(`summary?from=${new Date(chosen.from).toISOString()}&to=${new Date(chosen.to).toISOString()}&per=day`);
  const said = Number((await text(page, "#total")).replace(/\D/g, ""));
  assert.equal(said, total, "the chart counts what the range holds");
  return chosen;
}

async function brushesByMouse(page) {
  await change(page, () => page.select("#last", "7d"));
  await change(page, () => page.select("#last", "24h"));
  const field = (id) => page.$eval(id, (input) => Date.parse(`${input.value.replace(" ", "T")}Z`));
  const before = { from: await field("#from"), to: await field("#to") };
  await page.mouse.move(...(await place(page, 0.605)));
  assert.match(await text(page, "#chart .readout"), /UTC: .*\d+ ok/);
  await page.mouse.down();
  await page.mouse.move(...(await place(page, 0.7)));
  await page.mouse.move(...(await place(page, 0.8)));
  assert.match(await text(page, "#chart .readout"), / to .* UTC: /);
  await change(page, () => page.mouse.up());
  const chosen = await narrowed(page, before);
  const part = (chosen.to - chosen.from) / (before.to - before.from);
  assert(part > 0.17 && part < 0.23, `a fifth of the chart was brushed: ${part}`);
  // The fields say it too, in UTC.
  assert.equal(await field("#from"), chosen.from);
}

async function focusTheChart(page) {
  await (await button(page, "As a command")).focus();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "svg", "the Tab key comes to the chart");
}

async function brushesByKeyboard(page) {
  const before = await range(page);
  await focusTheChart(page);
  await page.keyboard.press("Home");
  for (let step = 0; step < 4; step += 1) await page.keyboard.press("ArrowRight");
  const one = await text(page, "#chart .readout");
  await page.keyboard.down("Shift");
  for (let step = 0; step < 11; step += 1) await page.keyboard.press("ArrowRight");
  await page.keyboard.up("Shift");
  assert.match(await text(page, "#chart .readout"), /Enter narrows the range/);
  // Escape drops the selection and nothing else.
  await page.keyboard.press("Escape");
  assert.match(await text(page, "#chart .readout"), /^Drag over the chart/);
  assert.deepEqual(await range(page), before);
  await page.keyboard.press("Home");
  for (let step = 0; step < 4; step += 1) await page.keyboard.press("ArrowRight");
  assert.equal(await text(page, "#chart .readout"), one);
  await page.keyboard.down("Shift");
  for (let step = 0; step < 11; step += 1) await page.keyboard.press("ArrowRight");
  await page.keyboard.up("Shift");
  await change(page, () => page.keyboard.press("Enter"));
  const chosen = await narrowed(page, before);
  assert.equal(chosen.to - chosen.from, 12 * 5 * 60_000, "twelve bars of five minutes");
  // Escape without a selection goes back to where it was narrowed from, and once more.
  await focusTheChart(page);
  await change(page, () => page.keyboard.press("Escape"));
  assert.deepEqual(await range(page), before);
  await change(page, async () => (await button(page, "← Earlier range")).click());
  assert.equal(await page.$eval("#last", (select) => select.value), "24h");
}

async function exports(page, browser) {
  await change(page, () => page.click("#outcomes .refused"));
  await page.type("#filters [name=caller]", "reader");
  await page.type("#filters [name=action]", "StopMigrateJob");
  await settled(page);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.hash.includes("StopMigrateJob") && location.hash.includes("reader"));
  await settled(page);
  const csv = await downloaded(page, browser, "Export CSV", "audit-records.csv");
  const [head, ...rows] = csv.trimEnd().split("\r\n");
  assert.match(head, /^id,time,account,/);
  assert.equal(rows.length, told.many);
  const lines = (await downloaded(page, browser, "Export NDJSON", "audit-records.ndjson")).trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(lines.pop().end.records, told.many);
  assert(lines.every(({ outcome, caller }) => outcome === "refused" && caller === "reader"));
  await (await button(page, "As a command")).click();
  const command = await text(page, "#exporting .command");
  assert.match(command, /^dts-gateway audit export --caller reader --action StopMigrateJob --from \S+ --to \S+ --outcome refused --format csv --output audit-records\.csv$/);
  return rows.map((row) => row.split(",")[0]);
}

async function leavesTheLargeToTheCommand(page) {
  const many = async (url) => {
    if (!url.pathname.endsWith("/summary")) return undefined;
    const real = await ask(`summary${url.search}`);
    real.buckets[0].counts.refused = 60_000;
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

async function holdsABoundedNumber(page) {
  const { records } = await ask("records?caller=reader&limit=1");
  let number = 0;
  const endless = (url) => {
    if (!url.pathname.endsWith("/records")) return undefined;
    number += 1;
    const fresh = (_, at) => ({ ...records[0], id: `${number}-${at}` });
    return { records: Array.from({ length: 100 }, fresh), next_cursor: `cursor ${number}` };
  };
  await changed(page, endless, async () => {
    await (await button(page, "Refresh")).click();
    const rows = () => page.$$eval("#records tbody tr", (all) => all.length);
    await page.evaluate(() => {
      const down = () => {
        document.querySelector("#records").scrollTo(0, 1e9);
        if (!document.querySelector("#records .note button")) requestAnimationFrame(down);
      };
      down();
    });
    const older = await button(page, "Older records");
    assert.equal(await rows(), 2000);
    await older.click();
    await page.waitForFunction(() => document.querySelector("#records tbody tr")?.dataset.id === "21-0");
    assert(await rows() <= 200, "those before are gone from the page");
  });
  await (await button(page, "Refresh")).click();
  await settled(page);
}

async function downloaded(page, browser, words, name) {
  const client = await browser.target().createCDPSession();
  await client.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: told.downloads, eventsEnabled: true });
  const done = new Promise((resolve) => client.on("Browser.downloadProgress", ({ state }) => state === "completed" && resolve()));
  await (await button(page, words)).click();
  await done;
  await page.waitForFunction((name) => document.querySelector("#exporting").innerText.includes(name), {}, name);
  const file = join(told.downloads, name);
  const content = await readFile(file, "utf8");
  await rename(file, `${file}.read`);
  await client.detach();
  return content;
}

async function sharesAndSignsOut(page) {
  const shared = await page.evaluate(() => location.hash);
  assert(!shared.includes(told.token));
  const before = await ids(page);
  await enter(page, shared);
  assert.deepEqual(await ids(page), before, "the address is the view");
  await (await button(page, "Sign out")).click();
  await page.waitForSelector("#token", { visible: true });
  assert.equal((await ids(page)).length, 0, "nothing of it stays in the page");
  assert(!(await page.content()).includes(told.task));
}
