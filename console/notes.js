// What is said where there is nothing to show: a failure with what can be done about it, or an empty answer.

import { advice } from "./api.js";
import { el, value } from "./text.js";

export function failure(problem, retried, wise = advice(problem)) {
  const title = problem.status === 403 ? "Refused" : problem.status === 401 ? "Not signed in" : "That did not work";
  return el(
    "div",
    { class: "failure", role: "alert" },
    el("strong", {}, `${title}. `),
    value(problem.message),
    wise && el("p", {}, wise),
    problem.requestId && el("p", { class: "faint" }, `request id ${problem.requestId}`),
    retried && el("button", { type: "button", onclick: retried }, "Try again"),
  );
}

export function nothing(emptied) {
  return el(
    "div",
    { class: "nothing" },
    el("strong", {}, "No records fit. "),
    "Choose a longer range, or ",
    el("button", { type: "button", onclick: emptied }, "clear the filters"),
  );
}
