// What a reader does in a day: signs in, filters, opens a record, looks at a task, chooses a range with the mouse and with
// the keyboard, and takes what was found away as a file.

import assert from "node:assert/strict";

import { ask, button, change, changed, enter, ids, settled, text, texts, told, scenario } from "./browser.mjs";
import { brushesByKeyboard, brushesByMouse } from "./brushing.mjs";
import { exports, leavesTheLargeToTheCommand } from "./exporting.mjs";
import { opensARecord, showsATask, showsProof } from "./records.mjs";

await scenario(async (page, browser) => {
  await enter(page);
  assert.match(await text(page, "#who"), /^auditor auditor$/);
  assert(!(await page.$eval("#restricted", (element) => element.checkVisibility())), "an auditor sees everything");
  assert.equal((await texts(page, "#outcomes .chip")).length, 5);

  await hidesItsOwnQuestions(page);
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

async function hidesItsOwnQuestions(page) {
  const own = async () => (await texts(page, "#records td.action")).filter((action) => action.startsWith("audit."));
  assert.deepEqual(await own(), []);
  await change(page, () => page.click("#administrative"));
  assert((await own()).length > 0, "what was asked to show this page");
  await change(page, async () => (await button(page, "Clear filters")).click());
  assert.deepEqual(await own(), []);
}

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
  assert.deepEqual(
    all,
    records.map(({ id }) => id),
  );
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
    assert((await rows()) <= 200, "those before are gone from the page");
  });
  await (await button(page, "Refresh")).click();
  await settled(page);
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
