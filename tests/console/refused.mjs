// Who may see what: no token, one that is none, one without the role, one that asks for another's records.

import assert from "node:assert/strict";

import { ask, button, change, enter, ids, open, scenario, settled, signIn, text, texts, told } from "./browser.mjs";

// What the browser itself says of an answer that is a refusal.
const expected = [/^console: Failed to load resource: the server responded with a status of (401|403|503)/];

await scenario(
  async (page) => {
    await open(page, `#caller=${"all"}&last=24h`);
    await page.waitForSelector("#token", { visible: true });
    assert(!(await page.$eval("#page", (element) => element.checkVisibility())), "nothing without a token");

    await signIn(page, "not a token");
    await page.waitForFunction(() => document.querySelector("#sign-in-note").innerText.includes("That is no token"));
    await page.$eval("#token", (input) => {
      input.value = "";
    });
    await signIn(page, `${told.token}x`);
    await page.waitForFunction(() => document.querySelector("#sign-in-note .failure")?.innerText.startsWith("Not signed in."));
    assert.match(await text(page, "#sign-in-note"), /Sign in with a valid token/);

    // Without the role: told on entering, and refused when it asks for another's.
    await page.$eval("#token", (input) => {
      input.value = "";
    });
    await signIn(page, told.reader);
    await page.waitForSelector("#records .failure");
    assert.match(await text(page, "#restricted"), /has not the role auditor: you see the records of reader only/);
    const refusal = await text(page, "#records .failure");
    assert.match(refusal, /^Refused\. without the role auditor you see your own records only, those of reader/);
    assert.match(refusal, /Ask for a token with the role auditor/);
    assert.match(refusal, /request id [0-9a-f-]{36}/);
    assert.match(await text(page, "#chart .readout"), /could not be loaded: without the role auditor/);
    assert.equal((await ids(page)).length, 0);

    // Its own are there, and another's record is not, even by its id.
    await change(page, async () => (await button(page, "Clear filters")).click());
    const callers = new Set(await texts(page, "#records td.caller bdi:first-child"));
    assert.deepEqual([...callers], ["reader"]);
    const { records } = await ask("records?caller=auditor&limit=1");
    const others = records[0]?.id ?? (await ask("records?caller=payments-sync&limit=1")).records[0].id;
    expected.push(/^console: Failed to load resource: the server responded with a status of 404/);
    await page.evaluate((id) => {
      location.hash = `#last=24h&record=${id}`;
    }, others);
    await page.waitForSelector("dialog .failure");
    assert.match(await text(page, "dialog .failure"), /there is no record with this id that you may see/);
    await page.keyboard.press("Escape");
    await settled(page);

    // What fails in passing can be tried again.
    const away = {
      status: 503,
      contentType: "application/problem+json",
      body: JSON.stringify({
        type: "urn:dts-gateway:audit-unavailable",
        detail: "the audit log can't be read, try again shortly",
      }),
    };
    const fail = (request) => (request.url().includes("/v1/audit/records?") ? request.respond(away) : request.continue());
    await page.setRequestInterception(true);
    page.on("request", fail);
    await (await button(page, "Refresh")).click();
    await page.waitForSelector("#records .failure");
    assert.match(await text(page, "#records .failure"), /try again shortly/);
    page.off("request", fail);
    await page.setRequestInterception(false);
    await (await button(page, "Try again")).click();
    await page.waitForSelector("#records tbody tr");

    // A reload forgets the token.
    await page.reload();
    await page.waitForSelector("#token", { visible: true });
    assert(!(await page.$eval("#page", (element) => element.checkVisibility())));
    await enter(page, "", told.token);
  },
  { expected },
);
