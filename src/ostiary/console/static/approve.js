// Signing a proposal in its page: the ceremony of /approve/TENANT/PROPOSAL. It decides nothing: whatever is posted from
// here is judged by the server, and the comment is part of what the passkey signs.
import { post, proved, words } from "./passkey.js";

const place = document.querySelector("[data-approve]");
const buttons = [...(place?.querySelectorAll("button[data-decision]") ?? [])];
const line = place?.querySelector("[data-status]");

function say(text, wrong = false) {
  line.textContent = text;
  line.className = wrong ? "wrong" : "";
}

// A no is one's own; a yes may be that of somebody who lets the person sign.
function hand(decision) {
  const me = place.dataset.person;
  const chosen = document.getElementById("as")?.selectedOptions[0];
  const lent = decision === "approve" && chosen ? { person: chosen.value, delegation: chosen.dataset.delegation } : { person: me, delegation: "" };
  return { ...lent, signer: me, decision, comment: document.getElementById("comment").value.trim() };
}

async function decide(decision) {
  const told = hand(decision);
  const asked = await post(`${place.dataset.approve}/options`, told);
  say("Waiting for your passkey…");
  await post(`${place.dataset.approve}/answer`, { ...told, credential: await proved(asked.get) });
  say("Recorded.");
  location.reload();
}

async function act(event) {
  for (const button of buttons) button.disabled = true;
  say("One moment…");
  try {
    await decide(event.currentTarget.dataset.decision);
  } catch (fault) {
    say(words(fault), true);
    for (const button of buttons) button.disabled = false;
  }
}

if (place) {
  for (const button of buttons) {
    button.addEventListener("click", act);
    button.disabled = false;
  }
  const left = Number(place.dataset.expiresIn) * 1000;
  if (left < 2 ** 31) setTimeout(() => location.reload(), left);
}
