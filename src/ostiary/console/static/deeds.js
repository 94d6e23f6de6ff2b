// Deeds: a form is sent as it is, its answer is said beside it, and what was typed stays. Where the server wants a fresh
// confirmation, the passkey is asked for on the spot and the deed is sent again. Without this script forms work as forms.
import { confirm, words } from "./passkey.js";

const dialog = document.getElementById("confirm");

async function send(form, button) {
  const fields = new URLSearchParams(new FormData(form, button?.name ? button : undefined));
  const answer = await fetch(form.action, { method: "POST", headers: { accept: "application/vnd.ostiary.deed+json" }, body: fields, redirect: "error", cache: "no-store" });
  const told = await answer.json().catch(() => ({}));
  return { ok: answer.ok && !told.confirm && !told.sign_in, told }; // 200 with either: one thing is to be done first
}

function wrong(form, text) {
  const line = form.querySelector("[data-wrong]");
  line.textContent = text;
  line.hidden = !text;
}

// Resolves with whether the person confirmed.
function confirmed(path, why) {
  const go = dialog.querySelector("[data-go]");
  const line = dialog.querySelector("[data-wrong]");
  dialog.querySelector("[data-why]").textContent = why;
  line.hidden = true;
  dialog.showModal();
  return new Promise((resolve) => {
    const press = async () => {
      go.disabled = true;
      try {
        await confirm(path);
        dialog.close("yes");
      } catch (fault) {
        line.textContent = words(fault);
        line.hidden = false;
      }
      go.disabled = false;
    };
    dialog.returnValue = "";
    go.addEventListener("click", press);
    dialog.addEventListener("close", () => { go.removeEventListener("click", press); resolve(dialog.returnValue === "yes"); }, { once: true });
  });
}

// A secret is shown this once; what the page shows around it is older now, so closing loads it again.
function showOnce({ title, text }) {
  const once = document.getElementById("once");
  once.querySelector("h2").textContent = title;
  once.querySelector("code").textContent = text;
  once.addEventListener("close", () => location.reload(), { once: true });
  once.showModal();
}

async function act(form, button) {
  let { ok, told } = await send(form, button);
  if (!ok && told.confirm && (await confirmed(told.confirm, told.message))) ({ ok, told } = await send(form, button));
  if (ok && told.once) showOnce(told.once);
  else if (ok && told.go) {
    if (new URL(told.go, location.href).href === location.href) location.reload();
    else location.assign(told.go);
  } else if (told.sign_in) location.assign(`${told.sign_in}?next=${encodeURIComponent(location.pathname)}`);
  else if (!ok) wrong(form, told.message || "The server did not answer as it should.");
  return ok;
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-deed]");
  if (!form) return;
  event.preventDefault();
  wrong(form, "");
  const button = event.submitter;
  if (button) button.disabled = true;
  try {
    if (!(await act(form, button)) && button) button.disabled = false;
  } catch {
    wrong(form, "The server could not be reached. Nothing has changed, as far as can be told from here.");
    if (button) button.disabled = false;
  }
});
