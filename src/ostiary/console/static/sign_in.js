// Signing in: a name, a passkey, and on to where the person wanted to go.
import { post, proved, words } from "./passkey.js";

const form = document.getElementById("sign-in");
const button = form.querySelector("button");
const wrong = form.querySelector("[data-wrong]");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const who = Object.fromEntries(new FormData(form));
  button.disabled = true;
  wrong.hidden = true;
  try {
    const asked = await post("/sign-in/options", who);
    const credential = await proved(asked.get);
    const told = await post("/sign-in/answer", { ...who, seal: asked.seal, until: asked.until, credential, next: form.dataset.next });
    location.assign(told.go);
  } catch (fault) {
    wrong.textContent = words(fault);
    wrong.hidden = false;
    button.disabled = false;
  }
});
button.disabled = false; // from here on it asks for a passkey; before, it would have sent the form as it is
