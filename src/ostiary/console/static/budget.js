// The alert budget: how far down a threshold may go, by what the report says of each place. Nothing is asked of the server.
//   <form data-steps="ID"> an input[type=range], perhaps input[name=budget], and outputs by data-says </form>
const percent = (share) => (share == null ? "not known" : `${(100 * share).toPrecision(3)} %`);
const number = (value) => (value == null ? "not kept" : value >= 100 ? Math.round(value).toLocaleString() : `${+value.toPrecision(3)}`);

function start(form) {
  const steps = JSON.parse(document.getElementById(form.dataset.steps).textContent);
  const slider = form.querySelector("input[type=range]");
  const budget = form.querySelector("input[data-budget]");
  const says = (name, text) => { const place = form.querySelector(`[data-says="${name}"]`); if (place) place.textContent = text; };

  function show() {
    const step = steps[slider.valueAsNumber];
    says("threshold", number(step.threshold));
    says("a_day", number(step.a_day));
    says("users", number(step.users));
    says("precision", percent(step.precision));
    says("recall", percent(step.recall));
    slider.setAttribute("aria-valuetext", `from ${number(step.threshold)} on, ${number(step.a_day)} interruptions a day`);
  }
  // The lowest threshold that the budget pays for.
  function spend() {
    const most = budget.valueAsNumber;
    if (Number.isNaN(most)) return;
    const fit = steps.findIndex((step) => step.a_day <= most);
    says("over", fit < 0 ? "Even the highest threshold costs more than that." : "");
    slider.valueAsNumber = fit < 0 ? steps.length - 1 : fit;
    show();
  }
  slider.addEventListener("input", show);
  budget?.addEventListener("input", spend);
  form.addEventListener("submit", (event) => event.preventDefault());
  if (budget?.value) spend(); else show();
}

document.querySelectorAll("[data-steps]").forEach(start);
