// The threshold slider: moving it shows what the stored curve says of that place. Nothing is asked of the server.
//   <form data-threshold="ID"> an input[type=range], perhaps an input[name=budget], outputs by data-says </form>
import { chartOf } from "./charts.js";

const percent = (share) => (share == null ? "not stored" : `${(100 * share).toPrecision(3)} %`);
const number = (value) => (value == null ? "not stored" : value >= 100 ? Math.round(value).toLocaleString() : value.toPrecision(3));

function start(form) {
  const { points } = JSON.parse(document.getElementById(form.dataset.threshold).textContent);
  const slider = form.querySelector("input[type=range]");
  const budget = form.querySelector("input[name=budget]");
  const chart = document.querySelector(`[data-chart="threshold"][data-from="${CSS.escape(form.dataset.threshold)}"]`);
  const says = (name, text) => { const place = form.querySelector(`[data-says="${name}"]`); if (place) place.textContent = text; };

  function mark(point) {
    const at = point.a_day ?? point.false;
    chartOf(chart)?.setOption({ series: [{ markLine: { symbol: "none", silent: true, animation: false, label: { show: false }, data: at > 0 ? [{ xAxis: at }] : [] } }] });
  }
  function show() {
    const point = points[slider.valueAsNumber];
    says("threshold", number(point.threshold));
    says("a_day", number(point.a_day));
    says("caught", percent(point.caught));
    says("false", percent(point.false));
    says("precision", percent(point.precision));
    slider.setAttribute("aria-valuetext", `from ${number(point.threshold)} on: ${point.a_day == null ? percent(point.false) + " false" : number(point.a_day) + " alerts a day"}, ${percent(point.caught)} caught`);
    mark(point);
  }
  // The loosest place that the budget pays for.
  function spend() {
    const most = budget.valueAsNumber;
    if (Number.isNaN(most)) return;
    const fit = points.findLastIndex((point) => point.a_day != null && point.a_day <= most);
    says("budget", fit < 0 ? "Even the strictest stored threshold costs more than that." : "");
    slider.valueAsNumber = Math.max(0, fit);
    show();
  }
  slider.addEventListener("input", () => { says("budget", ""); show(); });
  budget?.addEventListener("input", spend);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("theme", show);
  show();
}

document.querySelectorAll("[data-threshold]").forEach(start);
