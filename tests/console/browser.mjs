// A browser for a scenario: Chromium, told to forget everything, and an ear for what must not happen on any page: errors,
// requests to other hosts, violations of the content security policy, anything kept beyond the page.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import process from "node:process";

export const told = JSON.parse(process.env.DTS_CONSOLE_TOLD);

const modules = process.env.DTS_TEST_CONSOLE_MODULES;
const executablePath = process.env.DTS_TEST_CHROMIUM;
if (!modules || !executablePath) throw new Error('say where the browser is: eval "$(scripts/clients.sh)"');
const puppeteer = createRequire(join(modules, "puppeteer-core", "package.json"))("puppeteer-core");

// Milliseconds; only what has failed waits so long.
const PATIENCE = 60_000;

// Runs a scenario and ends the browser with it. What `steps` answers is printed for the test that started it.
export async function scenario(steps, { expected = [] } = {}) {
  const browser = await puppeteer.launch({
    executablePath,
    userDataDir: process.env.DTS_CONSOLE_PROFILE,
    pipe: true, // ends the browser with us, however we end
    // In a container root runs it, and /dev/shm is small.
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--lang=en-US", "--force-color-profile=srgb"],
    env: { ...process.env, TZ: "Asia/Shanghai" }, // a page that shows local time as UTC is caught
  });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE);
    await page.setViewport({ width: 1280, height: 800 });
    const wrong = await listen(page);
    const answer = await steps(page, browser).catch(async (error) => {
      await picture(page, `failed-${basename(process.argv[1], ".mjs")}`);
      console.error(page.url().replaceAll(told.token, "(the token)"), wrong());
      throw error;
    });
    await nothingKept(page);
    const surprises = wrong().filter((text) => !expected.some((pattern) => pattern.test(text)));
    assert.deepEqual(surprises, [], "nothing went wrong on the page that was not meant to");
    process.stdout.write(JSON.stringify(answer ?? {}));
  } finally {
    await browser.close();
  }
}

async function listen(page) {
  const wrong = [];
  page.on(
    "console",
    (message) => ["error", "warn", "warning", "assert"].includes(message.type()) && wrong.push(`console: ${message.text()}`),
  );
  page.on("pageerror", (error) => wrong.push(`script: ${error.message}`));
  page.on("dialog", (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${told.admin}/`) && !/^(data|blob):/.test(url)) wrong.push(`another host: ${url}`);
    if (url.includes(told.token)) wrong.push("the token in an address");
  });
  await page.evaluateOnNewDocument(() => {
    // Before the page's own listener, which has run to its end when anybody can ask for this.
    window.turns = 0;
    addEventListener("hashchange", () => (window.turns += 1));
    document.addEventListener("securitypolicyviolation", (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  return () => wrong;
}

async function nothingKept(page) {
  const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie, window.harmed ?? null]);
  assert.deepEqual(kept, [0, 0, "", null], "no storage, no cookie, and no text was run");
  assert(!(await page.url()).includes(told.token), "the token is not in the address");
}

export async function open(page, hash = "") {
  await page.goto("about:blank");
  const answer = await page.goto(`${told.admin}/console/${hash ? `audit${hash}` : ""}`);
  assert.match(answer.headers()["content-security-policy"], /default-src 'none'.*frame-ancestors 'none'/);
}

export async function signIn(page, token = told.token) {
  await page.waitForSelector("#token", { visible: true });
  await page.focus("#token");
  await page.keyboard.sendCharacter(token);
  await page.keyboard.press("Enter");
}

// Waits until the table and the chart have what they asked for.
export const settled = (page) =>
  page.waitForFunction(
    () =>
      !document.querySelector("#page").hidden &&
      !document.querySelector("[aria-busy]") &&
      !document.querySelector("#records .loading"),
  );

export async function enter(page, hash, token) {
  await open(page, hash);
  await signIn(page, token);
  await settled(page);
}

// Does something that shows another view, and waits for it.
export async function change(page, act) {
  const before = await page.evaluate(() => window.turns);
  await act();
  await page.waitForFunction((before) => window.turns > before, {}, before);
  await settled(page);
}

export const text = (page, selector) => page.$eval(selector, (element) => element.innerText.replaceAll("\u00a0", " ").trim());

export const texts = (page, selector) => page.$$eval(selector, (all) => all.map((element) => element.innerText.trim()));

export const button = (page, words) =>
  page.waitForSelector(`::-p-xpath(//button[normalize-space(.)="${words}"])`, { visible: true });

// Lets `answers(url, answer)` change what the listener says while something is done.
export async function changed(page, answers, act) {
  const change = async (request) => {
    const url = new URL(request.url());
    const body = await answers(url);
    if (body === undefined) await request.continue();
    else await request.respond({ status: 200, contentType: "application/json", body: JSON.stringify(body) });
  };
  await page.setRequestInterception(true);
  page.on("request", change);
  try {
    return await act();
  } finally {
    page.off("request", change);
    await page.setRequestInterception(false);
  }
}

// The range of the address, in milliseconds.
export const range = async (page) => {
  const hash = new URLSearchParams((await page.evaluate(() => location.hash)).slice(1));
  return { from: Date.parse(hash.get("from")), to: Date.parse(hash.get("to")) };
};

// Asks the listener what the page should show.
export async function ask(path, token = told.token) {
  const answer = await fetch(`${told.admin}/v1/audit/${path}`, { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200);
  return answer.json();
}

export const times = (page) => page.$$eval("#records tbody time", (all) => all.map((time) => Date.parse(time.dateTime)));

export const ids = (page) => page.$$eval("#records tbody tr", (all) => all.map((row) => row.dataset.id));

export const picture = (page, name) => page.screenshot({ path: join(told.pictures, `${name}.png`) });
