// Work that goes on beside: asked for now and then, a little later each time, and the page loaded anew when it has ended.
const shown = [...document.querySelectorAll("[data-progress]")];

async function look(place, wait) {
  const answer = await fetch(place.dataset.progress, { headers: { accept: "application/json" }, cache: "no-store" }).catch(() => null);
  const told = answer?.ok ? await answer.json().catch(() => null) : null;
  if (told && !["waiting", "running"].includes(told.state)) return location.reload();
  if (told) {
    const bar = place.querySelector("progress");
    if (told.total) { bar.max = told.total; bar.value = told.done; }
    place.querySelector("[data-step]").textContent = told.step || "waiting for its turn";
  }
  setTimeout(() => look(place, Math.min(wait * 1.3, 15000)), wait);
}

for (const place of shown) setTimeout(() => look(place, 1500), 1000);
