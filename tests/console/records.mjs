// A record, its proof, and the history of its task, above the table.

import assert from "node:assert/strict";

import { ask, button, change, changed, ids, text, texts, told } from "./browser.mjs";

export async function opensARecord(page) {
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

export async function showsProof(page) {
  const path = `/v1/audit/records/${told.stopped}`;
  const real = await ask(`records/${told.stopped}`);
  const checkpoint = "gateway.example/audit/0/changes\n20\nq83v\n\n\u2014 gateway.example c2ln\n";
  const proof = { log: "0/changes", index: 12, hash: "ab".repeat(32), path: ["cd".repeat(32)], checkpoint };
  const settled = { settled: "done", seen: { why: "the task is Stopped" }, recorded_at: told.now };
  for (const state of ["proven", "pending", "mismatch"]) {
    await shows(page, told.failed);
    const intent = { record: real.intent.record, proof: { ...proof, state } };
    const written = { id: real.id, intent, ended: { record: real.ended.record }, settled };
    await changed(
      page,
      (url) => (url.pathname === path ? written : undefined),
      () => shows(page, told.stopped),
    );
    const proofs = await texts(page, "dialog .proof");
    assert.match(proofs[0], new RegExp(`^Intent: ${state}\\n.*0/changes.*12.*abab.*1 hash.*gateway.example.*\\n20\\n`, "s"));
    for (const bare of proofs.slice(1)) assert.match(bare, /^(End|Settled): not provable\n/);
    assert.match(await text(page, "dialog"), /Found out later\s+done, .*the task is Stopped/s);
  }
}

async function shows(page, id) {
  await page.evaluate((id) => {
    location.hash = `#last=24h&record=${id}`;
  }, id);
  await page.waitForFunction((id) => document.querySelector("dialog")?.innerText.includes(id), {}, id);
  await page.waitForSelector("dialog .headline");
}

export async function showsATask(page) {
  await shows(page, told.stopped);
  await (await button(page, told.task)).click();
  await page.waitForSelector("dialog .history li");
  const { records } = await ask(`tasks/${told.task}?limit=1000`);
  await (await button(page, "More")).click();
  await page.waitForFunction((all) => document.querySelectorAll("dialog .history li").length === all, {}, records.length);
  const shown = await texts(page, "dialog .history li .badge");
  assert.deepEqual(
    shown,
    records.map(({ outcome }) => outcome),
    "oldest first",
  );
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
