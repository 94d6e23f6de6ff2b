// Carries questions and answers between the server and the browser's passkeys. It decides nothing: whatever is posted
// from here is judged by the server. Text is only ever set as text, so that nothing needs a Trusted Types policy.

const page = document.querySelector("[data-ceremony]");
const button = document.getElementById("act");
const line = document.getElementById("status");

const WORDS = {
  NotAllowedError: "That was cancelled, took too long, or the passkey did not recognise you. Nothing has changed.",
  InvalidStateError: "This passkey is registered already. Use another device or security key.",
  SecurityError: "Passkeys belong to another address than this page's. Open the link as you got it.",
  AbortError: "That was interrupted. Nothing has changed.",
};

class Refused extends Error {}

function say(kind, text) {
  line.dataset.kind = kind;
  line.textContent = text;
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
    const text = told.message || "the server did not answer as it should";
    throw new Refused(`${text[0].toUpperCase()}${text.slice(1)}.`);
  }
  return told;
}

async function get(options) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({ publicKey })).toJSON();
}

async function create(options) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return (await navigator.credentials.create({ publicKey })).toJSON();
}

async function stepUp() {
  const asked = await post("options", {});
  say("busy", "Waiting for your passkey…");
  const credential = await get(asked.get);
  const told = await post("answer", { seal: asked.seal, credential });
  const minutes = Math.floor(told.holds_s / 60);
  document.getElementById("holds").textContent = minutes > 1 ? `${minutes} minutes` : `${told.holds_s} seconds`;
}

async function enrol() {
  const name = document.getElementById("name").value;
  let asked = await post("options", {});
  if (asked.get) {
    say("busy", "First, confirm with a passkey that you have already…");
    const credential = await get(asked.get);
    asked = await post("options", { seal: asked.seal, credential });
  }
  say("busy", "Waiting for the new passkey…");
  const credential = await create(asked.create);
  await post("answer", { seal: asked.seal, confirmed_by: asked.confirmed_by, name, credential });
}

async function act() {
  button.disabled = true;
  say("busy", "One moment…");
  try {
    await (page.dataset.ceremony === "enrol" ? enrol() : stepUp());
    document.getElementById("todo").hidden = true;
    document.getElementById("done").hidden = false;
    document.querySelector("#done h2").focus();
  } catch (fault) {
    const text = fault instanceof Refused ? fault.message : WORDS[fault.name] || "That did not work. Try again.";
    say("refused", text);
    button.textContent = "Try again";
    button.disabled = false;
  }
}

function over() {
  if (document.getElementById("done").hidden) {
    button.disabled = true;
    say("refused", "The time to answer is over. Go back and start again: you get a new link.");
  }
}

for (const time of document.querySelectorAll("time")) {
  time.textContent = new Date(time.dateTime).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

if (page && button) {
  if (window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON) {
    button.addEventListener("click", act);
    button.disabled = false;
    setTimeout(over, Number(page.dataset.expiresIn) * 1000);
  } else {
    say("refused", "This browser cannot use passkeys. Use a current one.");
  }
}
