// A range, chosen on the chart with the mouse and with the keyboard.

import assert from "node:assert/strict";

import { ask, button, change, range, text, times } from "./browser.mjs";

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
  const { total } = await ask(
    `summary?from=${new Date(chosen.from).toISOString()}&to=${new Date(chosen.to).toISOString()}&per=day`,
  );
  const said = Number((await text(page, "#total")).replace(/\D/g, ""));
  assert.equal(said, total, "the chart counts what the range holds");
  return chosen;
}

export async function brushesByMouse(page) {
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

export async function brushesByKeyboard(page) {
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
