// The limits' page: who may see it, a flooded quota with its callers, live; the filter, the pause, the two looks.

import assert from "node:assert/strict";

import { button, picture, scenario, signIn, text, texts, told } from "./browser.mjs";

// What the browser itself says of an answer that is a refusal.
const expected = [/^console: Failed to load resource: the server responded with a status of 403/];

const flooded = "#quotas .quota.full";

await scenario(
  async (page) => {
    await open(page);
    await page.waitForSelector("#token", { visible: true });
    assert(!(await page.$eval("#page", (element) => element.checkVisibility())), "nothing without a token");

    await signIn(page, told.reader);
    await page.waitForSelector("#trouble .failure");
    const refusal = await text(page, "#trouble .failure");
    assert.match(refusal, /^Refused\. the limits are shown to the role auditor or operator/);
    assert.match(refusal, /Ask for a token with the role auditor or operator\./);
    assert.equal((await texts(page, "#quotas .quota")).length, 0);
    await (await button(page, "Sign out")).click();

    await signIn(page, told.operator);
    await page.waitForSelector(`${flooded} .waiting li`);
    assert.match(await text(page, flooded), new RegExp(`${told.action}[\\s\\S]*\\d+ of ${told.calls} in 1\\.0 s`));
    const callers = await texts(page, `${flooded} .waiting li`);
    assert(
      callers.some((caller) => /^(payments|orders) [\d,]+$/.test(caller)),
      `${callers}`,
    );
    assert.match(await text(page, "#summary"), /quotas? in use, [\d,]+ calls? waiting/);
    assert.match(await text(page, "#replicas"), /^sole one instance/);
    await page.waitForFunction(() =>
      /refused in the last minute/.test(document.querySelector("#quotas .full .refusals").innerText),
    );

    assert.match(await text(page, flooded), /4 held back for stops and pauses/);
    const lowered = await texts(page, "#quotas .quota:has(.learned)");
    assert.equal(lowered.length, 1);
    assert.match(lowered[0], /DescribeSubscribeConf[\s\S]*the cloud allows \d+ just now[\s\S]*throttled 1 time/);

    // It goes on by itself, until it is told not to.
    const samples = () => page.$eval("#quotas .spark polyline", (line) => line.getAttribute("points").split(" ").length);
    const before = await samples();
    await page.waitForFunction(
      (before) => document.querySelector("#quotas .spark polyline").getAttribute("points").split(" ").length > before + 1,
      {},
      before,
    );
    await (await button(page, "Pause")).click();
    let questions = 0;
    page.on("request", (request) => (questions += request.url().endsWith("/v1/limits")));
    await (await button(page, "Go on")).focus();
    assert.equal(await page.$eval("#pause", (element) => element.getAttribute("aria-pressed")), "true");
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
    await picture(page, "limits-light");
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
    await picture(page, "limits-dark");
    await page.setViewport({ width: 400, height: 800 });
    assert((await page.evaluate(() => document.documentElement.scrollWidth)) <= 400, "nothing stands out to the side");
    await picture(page, "limits-narrow");
    assert.equal(questions, 0, "paused");
    await page.setViewport({ width: 1280, height: 800 });

    // The filter is on what is named, callers too.
    await page.type("#filter", "nobody-has-this-name");
    await page.waitForFunction(() => document.querySelector("#none").innerText.includes("No quota fits the filter."));
    await page.$eval("#filter", (input) => {
      input.value = "";
    });
    await page.type("#filter", told.action.toLowerCase());
    await page.waitForFunction(() => document.querySelector("#none").hidden);

    // With the keyboard: on again.
    await page.focus("#pause");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector("#pause").textContent === "Pause");
    await page.waitForResponse((answer) => answer.url().endsWith("/v1/limits"));

    // A listener that takes a question and says nothing is told of; when it answers again, that is gone.
    const held = [];
    const hold = (request) => (request.url().endsWith("/v1/limits") ? held.push(request) : request.continue());
    await page.setRequestInterception(true);
    page.on("request", hold);
    await page.waitForFunction(() => /did not answer/.test(document.querySelector("#trouble").innerText));
    assert(held.length > 0, "it was asked");
    page.off("request", hold);
    await page.setRequestInterception(false);
    await page.waitForFunction(() => document.querySelector("#trouble").innerText === "");

    // The other page is one step away, and asks for the token again.
    await page.evaluate(() => document.querySelector('nav a[href="audit"]').click());
    await page.waitForFunction(() => location.pathname.endsWith("/console/audit"));
    await page.waitForSelector("#token", { visible: true });
  },
  { expected },
);

async function open(page) {
  const answer = await page.goto(`${told.admin}/console/limits`);
  assert.match(answer.headers()["content-security-policy"], /default-src 'none'.*frame-ancestors 'none'/);
}
