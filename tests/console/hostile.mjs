// A record that would like to be a page: markup, scripts, a text that turns its direction, signs that nobody sees.

import assert from "node:assert/strict";

import { button, change, enter, scenario, settled, text, told } from "./browser.mjs";

await scenario(async (page) => {
  await enter(page, "");
  const markup = () =>
    page.$$eval("#page img, dialog img, #page script, dialog script, #page a, dialog a", (all) => all.length);
  const row = await text(page, `[data-id="${told.task}"]`);
  assert.match(row, /<img src=x onerror="window\.harmed=1">/, "the task's name is text in the table");
  assert.match(row, /U\+202E/, "what turns the direction is shown");
  assert.equal(await markup(), 0);

  await change(page, () => page.click(`[data-id="${told.task}"] td.time`));
  await page.waitForSelector("dialog .headline");
  assert.equal(await markup(), 0);

  await page.evaluate((id) => {
    location.hash = `#last=24h&record=${id}`;
  }, told.record);
  await page.waitForFunction(() => document.querySelector("dialog h2")?.innerText === "CreateMigrateJob");
  const all = await text(page, "dialog");
  assert.match(all, /<img src=x onerror=window\.harmed=1>/, "the client's name");
  assert.match(all, /<script>window\.harmed=1<\/script>/);
  assert.match(all, /U\+202E\s*gnp\.exe\s*U\+200B/);
  assert.match(all, /12345678901234567890123/, "a number is shown as it was written");
  assert(!all.includes("planted-Passw0rd"));
  assert.doesNotMatch(all, /\u202e|\u200b/);
  assert.equal(await markup(), 0);

  // Filters come from an address that anybody can write.
  await page.evaluate(() => {
    location.hash = `#last=24h&caller=${encodeURIComponent("<img src=x onerror=window.harmed=1>")}&task=${encodeURIComponent("<b>x</b>")}&from=x&nonsense=1`;
  });
  await page.waitForFunction(() => document.querySelector("dialog")?.innerText.includes("Nothing was recorded of this task"));
  assert.match(await text(page, "dialog"), /<b>x<\/b>/);
  assert.equal(await markup(), 0);

  // So do the words of the command that a reader is offered to paste into a terminal.
  await page.evaluate(() => {
    location.hash = `#last=24h&caller=${encodeURIComponent("it's\u001b[201~; rm -rf ~\n")}`;
  });
  await page.waitForFunction(() => !document.querySelector("dialog").open);
  await settled(page);
  await (await button(page, "As a command")).click();
  assert.match(await text(page, "#exporting .command"), /--caller=\$'it\\'s\\u001b\[201~; rm -rf ~'/);
});
