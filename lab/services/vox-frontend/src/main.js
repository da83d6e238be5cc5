import { describe } from "./status.js";
import { VERSION } from "./version.js";

const EVERY_MILLISECONDS = 5000;

async function ask() {
  try {
    const answer = await fetch("/health", { signal: AbortSignal.timeout(EVERY_MILLISECONDS) });
    return await answer.json();
  } catch {
    return null;
  }
}

function show({ state, sentence, checks }) {
  const status = document.querySelector("#status");
  status.dataset.state = state;
  status.textContent = sentence;
  const lines = checks.map(([name, found]) => {
    const line = document.createElement("li");
    line.textContent = `${name}: ${found}`;
    line.dataset.state = found;
    return line;
  });
  document.querySelector("#checks").replaceChildren(...lines);
}

async function refresh() {
  show(describe(await ask()));
  setTimeout(refresh, EVERY_MILLISECONDS);
}

document.querySelector("#version").textContent = VERSION;
refresh();
