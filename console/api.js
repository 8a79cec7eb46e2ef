// The questions to this listener. The token lives in this module's one variable, as long as the page does: it is put into
// no storage, no cookie and no address, and is forgotten when the page is left or the listener no longer takes it.

let token = null;

// How far the listener's clock is ahead of the browser's, in milliseconds: ranges end at the listener's now.
let ahead = 0;

// What the listener, or the way to it, had against a question.
export class Problem extends Error {
  constructor(status, slug, detail, requestId) {
    super(detail);
    Object.assign(this, { status, slug, requestId });
  }
}

// Tells of `signed-out`, with a problem in its detail if it was not the reader's wish.
export const session = new EventTarget();

export const now = () => Date.now() + ahead;

export function signOut(problem = null) {
  if (token === null) return;
  token = null;
  session.dispatchEvent(new CustomEvent("signed-out", { detail: problem }));
}

// Nobody who comes back to a page that was left finds it signed in.
addEventListener("pagehide", () => signOut());

// Tries a token; answers who it is of.
export async function signIn(text) {
  if (!/^[\w.~+/=-]+$/u.test(text)) {
    throw new Problem(0, "token-invalid", "That is no token: one is letters, digits, dots, dashes, without spaces.");
  }
  const before = token;
  token = text;
  try {
    return await (await send("../v1/me", {}, null)).json();
  } catch (problem) {
    token = before;
    throw problem;
  }
}

// The quotas as they are now.
export const limits = async (signal) => (await read(await send("../v1/limits", {}, signal))).body;

// An answer of the log in JSON, parsed and as it was written.
export const ask = async (path, parameters, signal) => read(await send(`../v1/audit/${path}`, parameters, signal));

async function read(answer) {
  try {
    const text = await answer.text();
    return { body: JSON.parse(text), text };
  } catch (error) {
    throw wrapped(error);
  }
}

// An answer to be read as it comes.
export const stream = (path, parameters, signal) => send(`../v1/audit/${path}`, parameters, signal);

async function send(path, parameters, signal) {
  const url = new URL(path, document.baseURI);
  url.search = new URLSearchParams(parameters);
  const asked = token;
  let answer;
  try {
    answer = await fetch(url, {
      headers: { Authorization: `Bearer ${asked}` },
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      signal,
    });
  } catch (error) {
    throw wrapped(error);
  }
  const date = Date.parse(answer.headers.get("date") ?? "");
  // The header has whole seconds: what is smaller than two is no difference.
  if (!Number.isNaN(date)) ahead = Math.abs(date - Date.now()) > 2000 ? date - Date.now() : 0;
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  const slug = String(said.type ?? "")
    .split(":")
    .pop();
  const detail = said.detail ?? `the listener answered ${answer.status}`;
  const problem = new Problem(answer.status, slug, detail, said.request_id);
  if (answer.status === 401 && asked === token && path !== "../v1/me") signOut(problem);
  throw problem;
}

// A question that was given up stays what it is; anything else is the way to the listener.
export function wrapped(error) {
  if (error.name === "AbortError" || error instanceof Problem) return error;
  return new Problem(
    0,
    "unreachable",
    "The gateway's admin listener did not answer. Is it up, and can it be reached from here?",
  );
}

// What a reader can do about a problem.
export function advice(problem) {
  switch (problem.status) {
    case 401:
      return "Sign in with a valid token of an issuer that the gateway is configured with.";
    case 403:
      return "Ask for a token with the role auditor, or clear the filter that asks for somebody else's records.";
    case 404:
      return "It may have been dropped after its retention, or it is another caller's and your token has not the role auditor.";
    case 503:
      return "Nothing is lost: the log answers again when its database does.";
    default:
      return null;
  }
}
