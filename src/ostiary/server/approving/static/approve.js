// Carries the question and the answer between the server and the browser's passkeys. It decides nothing: what is posted
// from here is judged by the server. Text is only ever set as text, so that nothing needs a Trusted Types policy.

const page = document.querySelector("[data-ceremony=approve]");
const buttons = [...document.querySelectorAll("button[data-decision]")];
const line = document.getElementById("status");

const WORDS = {
  NotAllowedError: "That was cancelled, took too long, or the passkey did not recognise you. Nothing has changed.",
  SecurityError: "Passkeys belong to another address than this page's. Open the link as you got it.",
  AbortError: "That was interrupted. Nothing has changed.",
};

class Refused extends Error {}

function say(kind, text) {
  line.dataset.kind = kind;
  line.textContent = text;
}

function sentence(text) {
  return `${text[0].toUpperCase()}${text.slice(1)}`;
}

async function post(step, body) {
  const answer = await fetch(`${location.pathname}/${step}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    credentials: "omit",
    cache: "no-store",
    redirect: "error",
    referrerPolicy: "no-referrer",
  });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Refused(`${sentence(told.message || "the server did not answer as it should")}.`);
  }
  return told;
}

async function decide(decision) {
  const { person, signer, delegation } = page.dataset;
  const comment = document.getElementById("comment").value.trim();
  const hand = { person, signer, delegation, decision, comment };
  const asked = await post("options", hand);
  say("busy", "Waiting for your passkey…");
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked.get);
  const credential = (await navigator.credentials.get({ publicKey })).toJSON();
  const told = await post("answer", { ...hand, credential });
  document.getElementById("outcome").textContent = sentence(told.standing);
}

async function act(event) {
  for (const button of buttons) button.disabled = true;
  say("busy", "One moment…");
  try {
    await decide(event.currentTarget.dataset.decision);
    document.getElementById("todo").hidden = true;
    document.getElementById("done").hidden = false;
    document.querySelector("#done h2").focus();
  } catch (fault) {
    say("refused", fault instanceof Refused ? fault.message : WORDS[fault.name] || "That did not work. Try again.");
    for (const button of buttons) button.disabled = false;
  }
}

function over() {
  if (document.getElementById("done").hidden) {
    for (const button of buttons) button.disabled = true;
    say("refused", "The time to decide is over.");
  }
}

for (const time of document.querySelectorAll("time")) {
  time.textContent = new Date(time.dateTime).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

if (page && buttons.length) {
  if (window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON) {
    for (const button of buttons) {
      button.addEventListener("click", act);
      button.disabled = false;
    }
    const left = Number(page.dataset.expiresIn) * 1000;
    if (left < 2 ** 31) setTimeout(over, left);
  } else {
    say("refused", "This browser cannot use passkeys. Use a current one.");
  }
}
