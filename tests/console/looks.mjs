// How it looks: light, dark, on a telephone, with a record open. The pictures are kept; what can be measured is.

import assert from "node:assert/strict";

import { enter, picture, scenario, settled, text, told } from "./browser.mjs";

await scenario(async (page) => {
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  await enter(page, "#last=24h");
  assert((await lightness(page)) > 0.85);
  await picture(page, "light");
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
  assert((await lightness(page)) < 0.15);
  await contrast(page);
  await picture(page, "dark");

  await open(page, "record", told.record, ".headline");
  await picture(page, "dark-record");
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  await contrast(page);
  await picture(page, "light-record");
  await page.$eval("dialog .proofs", (element) => element.scrollIntoView({ block: "end" }));
  await picture(page, "light-proof");
  await open(page, "task", told.task, ".history li");
  await picture(page, "light-task");

  await page.setViewport({ width: 400, height: 800 });
  await picture(page, "narrow-task");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector("dialog").open);
  await settled(page);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  const out = await page.$$eval("body *", (all) =>
    all
      .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > 400)
      .map((one) => `${one.tagName}#${one.id}.${one.className}`),
  );
  assert(wide <= 400, `nothing stands out to the side: ${wide}, ${out}`);
  await picture(page, "narrow");
  assert.match(await text(page, "#records tbody tr"), /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}/);
});

async function open(page, kind, id, selector) {
  await page.evaluate(
    (kind, id) => {
      location.hash = `#last=24h&${kind}=${id}`;
    },
    kind,
    id,
  );
  await page.waitForSelector(`dialog ${selector}`);
}

// Of the page's ground, from 0 to 1.
function lightness(page) {
  return page.evaluate(
    () =>
      Math.max(
        ...getComputedStyle(document.body)
          .backgroundColor.match(/[\d.]+/g)
          .slice(0, 3)
          .map(Number),
      ) / 255,
  );
}

// Every text in sight has the contrast that WCAG 2.2 asks for (4.5 to 1).
async function contrast(page) {
  const weak = await page.evaluate(() => {
    const channels = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
    const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const rgb = (color) => {
      const [red, green, blue, alpha = 1] = channels(color);
      const scale = color.startsWith("color(") ? 1 : 255;
      return { light: 0.2126 * linear(red / scale) + 0.7152 * linear(green / scale) + 0.0722 * linear(blue / scale), alpha };
    };
    const ground = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const color = rgb(getComputedStyle(at).backgroundColor);
        if (color.alpha > 0.99) return color.light;
      }
      return 1;
    };
    const found = [];
    for (const element of document.querySelectorAll("body *")) {
      const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
      if (!own || !element.checkVisibility({ visibilityProperty: true }) || element.closest("svg, option, :disabled, .unseen"))
        continue;
      const [text, under] = [rgb(getComputedStyle(element).color).light, ground(element)];
      const ratio = (Math.max(text, under) + 0.05) / (Math.min(text, under) + 0.05);
      if (ratio < 4.5) found.push(`${element.className || element.tagName} ${ratio.toFixed(2)}`);
    }
    return [...new Set(found)];
  });
  assert.deepEqual(weak, []);
}
