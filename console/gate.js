// Signing in and out, the same on every page: the form before the page, who is signed in, and the page itself.

import { session, signIn, signOut } from "./api.js";
import { failure } from "./notes.js";
import { el, stamp, value } from "./text.js";

const $ = (id) => document.getElementById(id);

// `entered` is told who has signed in when the page is in sight, `left` that nothing may stay in it.
export function gate({ entered, left }) {
  const show = (isIn) => {
    $("gate").hidden = isIn;
    $("page").hidden = !isIn;
    $("account").hidden = !isIn;
  };

  $("sign-out").addEventListener("click", () => signOut());

  $("sign-in").addEventListener("submit", async (event) => {
    event.preventDefault();
    const field = $("token");
    const button = event.submitter ?? $("sign-in").querySelector("button");
    button.disabled = true;
    $("sign-in-note").replaceChildren("Signing in…");
    try {
      const me = await signIn(field.value.trim());
      field.value = "";
      $("sign-in-note").replaceChildren();
      $("who").replaceChildren(who(me));
      show(true);
      entered(me);
      $("page").focus();
    } catch (problem) {
      $("sign-in-note").replaceChildren(failure(problem));
      field.select();
    } finally {
      button.disabled = false;
    }
  });

  session.addEventListener("signed-out", ({ detail: problem }) => {
    left();
    $("who").replaceChildren();
    show(false);
    $("sign-in-note").replaceChildren(problem ? failure(problem) : "Signed out.");
    $("token").focus();
  });

  $("token").focus();
}

function who(me) {
  const roles = me.roles.length ? me.roles.join(", ") : "no role";
  const end = me.expires_at ? `Token of ${me.issuer}, ends ${stamp(me.expires_at, 0)} UTC` : null;
  return el("span", { title: end }, value(me.caller), el("span", { class: "faint" }, ` ${roles}`));
}
