// Charts. A page puts `<div class="chart" data-chart="KIND" data-from="ID">` beside `<script type="application/json" id="ID">`.
// ECharts draws on a canvas and its tooltips are drawn text: nothing here makes HTML, so no name in the data can be HTML.
const drawn = new Map();

// Colours come from the sheet: a browser resolves `light-dark()` for a probe that is never shown.
const probe = document.createElement("i");
probe.hidden = true;
document.body.append(probe);
function colour(name) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

const WORDS = { ALLOW: "allowed", REDUCE: "reduced", STEP_UP: "asked again", DENY: "denied", TERMINATE: "ended" };
const EFFECTS = { ALLOW: "allow", REDUCE: "reduce", STEP_UP: "step-up", DENY: "deny", TERMINATE: "terminate" };

function frame(marks, span = 0) {
  const ink = colour("ink-soft"), line = colour("line");
  const axis = { axisLine: { lineStyle: { color: line } }, axisLabel: { color: ink, hideOverlap: true }, splitLine: { lineStyle: { color: line } } };
  return {
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    textStyle: { fontFamily: "Inter", color: ink },
    grid: { left: 48, right: 16, top: 28, bottom: 28 },
    tooltip: { trigger: "axis", renderMode: "richText", confine: true, backgroundColor: colour("card"), borderColor: line, textStyle: { color: colour("ink") } },
    legend: { top: 0, left: 0, itemWidth: 10, itemHeight: 10, textStyle: { color: ink } },
    aria: { enabled: true },
    axis,
    markLine: marks?.length ? { symbol: "none", silent: true, lineStyle: { color: colour("brand"), type: "dashed" }, label: { color: ink, formatter: "{b}", position: "insideEndBottom" }, data: apart(marks, span) } : undefined,
  };
}

// Marks beside each other would write over one another: of those that stand closer than a line of text, one is named and counts the rest.
function apart(marks, span) {
  const time = (mark) => +new Date(mark.at);
  const sorted = [...marks].sort((one, other) => time(one) - time(other));
  const near = Math.max(span, time(sorted.at(-1)) - time(sorted[0])) / 18;
  const groups = [];
  for (const mark of sorted) {
    const last = groups.at(-1);
    if (last && time(mark) - time(last[0]) <= near) last.push(mark);
    else groups.push([mark]);
  }
  return groups.map((group) => ({ name: group.length > 1 ? `${group[0].text} +${group.length - 1}` : group[0].text, xAxis: group[0].at }));
}

function spanOf(times) { return times.length ? +new Date(times.at(-1)) - +new Date(times[0]) : 0; }

// A legend takes a second line where there is little width: the picture begins below it.
function fitting(option) {
  const top = option.grid?.top;
  return option.legend && top ? { baseOption: option, media: [{ option: { grid: { top } } }, { query: { maxWidth: 420 }, option: { grid: { top: top + 24 } } }] } : option;
}

const KINDS = {
  // {times: [...], series: {ALLOW: [...], …}, marks: [{at, text}], until: where the time axis ends, so that the newest mark is on it}
  effects(told) {
    const { axis, markLine, ...rest } = frame(told.marks, spanOf(told.times));
    const names = Object.keys(EFFECTS).filter((name) => name in told.series);
    return {
      ...rest,
      xAxis: { type: "time", max: told.until, ...axis, splitLine: { show: false } },
      yAxis: { type: "value", minInterval: 1, ...axis },
      series: names.map((name, index) => ({ name: WORDS[name], type: "bar", stack: "all", barMaxWidth: 18, itemStyle: { color: colour(EFFECTS[name] ?? "brand") }, data: told.times.map((time, at) => [time, told.series[name][at]]), markLine: index === 0 ? markLine : undefined })),
    };
  },
  // {labels: [...], series: {name: [...]}, tones: {name: colour}, x, y, most}: bars beside each other, perhaps under a line
  bars(told) {
    const { axis, ...rest } = frame();
    const named = (name) => ({ name, nameLocation: "middle", nameGap: 28, ...axis });
    const most = told.most == null ? undefined : { symbol: "none", silent: true, lineStyle: { color: colour("deny"), type: "dashed" }, label: { color: colour("ink-soft"), formatter: "budget", position: "insideEndTop" }, data: [{ yAxis: told.most }] };
    return {
      ...rest, grid: { left: 56, right: 16, top: 28, bottom: 44 },
      xAxis: { type: "category", data: told.labels, ...named(told.x), splitLine: { show: false } },
      yAxis: { type: "value", ...named(told.y), nameGap: 36 },
      series: Object.entries(told.series).map(([name, data], at) => ({ name, type: "bar", barGap: "0%", barMaxWidth: 18, itemStyle: { color: colour(told.tones[name]) }, data, markLine: at === 0 ? most : undefined })),
    };
  },
  // {points: [[time, value], …], medium, high, marks}
  risk(told) {
    const { axis, markLine, ...rest } = frame(told.marks, spanOf(told.points.map((point) => point[0])));
    const level = (value, name, tone) => ({ yAxis: value, name, lineStyle: { color: colour(tone), type: "dotted" }, label: { show: value > most / 8, formatter: "{b}", color: colour("ink-soft"), position: "insideStartTop" } });
    const most = Math.max(told.high ?? 0, told.medium ?? 0, ...told.points.map((point) => point[1]));
    return {
      ...rest, legend: undefined,
      xAxis: { type: "time", ...axis, splitLine: { show: false } },
      yAxis: { type: "value", min: 0, max: most ? Math.min(1, +(1.4 * most).toPrecision(1)) : 1, ...axis },
      series: [{ name: "risk", type: "line", step: "end", showSymbol: false, lineStyle: { color: colour("brand"), width: 2 }, areaStyle: { color: colour("brand"), opacity: 0.1 }, data: told.points,
        markLine: { symbol: "none", silent: true, ...markLine, data: [...(markLine?.data ?? []), ...(told.medium ? [level(told.medium, "medium", "reduce")] : []), ...(told.high ? [level(told.high, "high", "deny")] : [])] } }],
    };
  },
  // {hours: 24, days: [...], cells: [[hour, day, count], …]}
  heat(told) {
    const { axis, ...rest } = frame();
    const most = Math.max(1, ...told.cells.map((cell) => cell[2]));
    return {
      ...rest, legend: undefined, tooltip: { ...rest.tooltip, trigger: "item" }, grid: { left: 48, right: 16, top: 8, bottom: 28 },
      xAxis: { type: "category", data: [...Array(24).keys()].map((hour) => `${hour}`.padStart(2, "0")), ...axis, splitLine: { show: false } },
      yAxis: { type: "category", data: told.days, ...axis, splitLine: { show: false } },
      visualMap: { show: false, min: 0, max: most, inRange: { color: [colour("sunk"), colour("brand")] } },
      series: [{ name: "accesses", type: "heatmap", data: told.cells, itemStyle: { borderColor: colour("card"), borderWidth: 2, borderRadius: 3 } }],
    };
  },
  // {points: [[time, value], …], name}
  line(told) {
    const { axis, ...rest } = frame();
    const zero = { symbol: "none", silent: true, lineStyle: { color: colour("line-strong"), type: "dashed" }, label: { show: false }, data: [{ yAxis: 0 }] };
    return {
      ...rest, legend: undefined,
      xAxis: { type: "time", ...axis, splitLine: { show: false } },
      yAxis: { type: "value", splitNumber: 3, ...axis },
      series: [{ name: told.name, type: "line", showSymbol: told.points.length < 2, lineStyle: { color: colour("brand"), width: 2 }, itemStyle: { color: colour("brand") }, data: told.points, markLine: zero }],
    };
  },
  // {nodes: [{name, kind}], links: [{source, target, value}]}
  lineage(told, element) {
    const { axis, ...rest } = frame();
    return {
      ...rest, legend: undefined, tooltip: { ...rest.tooltip, trigger: "item" },
      series: [{ type: "sankey", left: 8, right: 96, top: 8, bottom: 8, nodeGap: 14, nodeWidth: 10, label: { color: colour("ink"), overflow: "truncate", width: Math.max(40, element.clientWidth / 7) }, lineStyle: { color: "source", opacity: 0.25 }, itemStyle: { color: colour("brand"), borderWidth: 0 }, data: told.nodes, links: told.links }],
    };
  },
  // {curves: {name: [[x, y], …]}, x, y, diagonal}
  curve(told) {
    const { axis, ...rest } = frame();
    const palette = ["brand", "step-up", "reduce", "terminate"];
    const lines = Object.entries(told.curves).map(([name, data], at) => ({ name, type: "line", showSymbol: data.length < 25, lineStyle: { width: 2 }, itemStyle: { color: colour(palette[at % palette.length]) }, data }));
    if (told.diagonal) lines.push({ name: told.diagonal === true ? "chance" : told.diagonal, type: "line", showSymbol: false, lineStyle: { type: "dashed", color: colour("line-strong") }, itemStyle: { color: colour("line-strong") }, data: [[0, 0], [1, 1]] });
    const named = (name) => ({ type: "value", min: 0, max: 1, name, nameLocation: "middle", nameGap: 28, ...axis });
    return { ...rest, grid: { left: 56, right: 16, top: 28, bottom: 44 }, xAxis: named(told.x), yAxis: { ...named(told.y), nameGap: 36 }, series: lines };
  },
  // {bands: [{predicted, seen, low, high, rows}, …]}: predicted against seen, with the interval of what was seen
  reliability(told) {
    const { axis, ...rest } = frame();
    const named = (name) => ({ type: "value", min: 0, max: 1, name, nameLocation: "middle", nameGap: 28, ...axis });
    const span = told.bands.map((band) => [[band.predicted, band.low], [band.predicted, band.high]]);
    return {
      ...rest, legend: undefined, grid: { left: 56, right: 16, top: 12, bottom: 44 }, tooltip: { ...rest.tooltip, trigger: "item", formatter: ({ value }) => `predicted ${(100 * value[0]).toPrecision(3)} %, seen ${(100 * value[1]).toPrecision(3)} %` + (value[2] === undefined ? "" : `, ${value[2]} rows`) },
      xAxis: named("predicted"), yAxis: { ...named("seen"), nameGap: 36 },
      series: [
        { type: "line", showSymbol: false, silent: true, lineStyle: { type: "dashed", color: colour("line-strong") }, data: [[0, 0], [1, 1]] },
        ...span.map((data) => ({ type: "line", showSymbol: false, silent: true, lineStyle: { color: colour("brand"), width: 2, opacity: 0.45 }, data })),
        { type: "scatter", symbolSize: 9, itemStyle: { color: colour("brand") }, data: told.bands.map((band) => [band.predicted, band.seen, band.rows]) },
      ],
    };
  },
  // {bins: [{low, high, harmless, harmful}, …], names: [harmless, harmful]}: shares of each kind, so that few are seen beside many
  histogram(told) {
    const { axis, ...rest } = frame();
    const whole = (name) => Math.max(1, told.bins.reduce((sum, bin) => sum + bin[name], 0));
    const bars = (name, label, tone) => ({ name: label, type: "bar", barGap: "-100%", barCategoryGap: "8%", itemStyle: { color: colour(tone), opacity: 0.65 }, data: told.bins.map((bin) => +(100 * bin[name] / whole(name)).toFixed(2)) });
    return {
      ...rest, grid: { left: 56, right: 16, top: 28, bottom: 44 },
      xAxis: { type: "category", name: "score", nameLocation: "middle", nameGap: 28, data: told.bins.map((bin) => ((bin.low + bin.high) / 2).toPrecision(3)), ...axis, splitLine: { show: false } },
      yAxis: { type: "value", name: "% of its kind", nameLocation: "middle", nameGap: 36, ...axis },
      series: [bars("harmless", told.names[0], "allow"), bars("harmful", told.names[1], "deny")],
    };
  },
  // {points: [[false, missed], …], x, y}: both errors on normal-deviate axes, where a normal model is a straight line
  det(told) {
    const { axis, ...rest } = frame();
    const ticks = [0.001, 0.01, 0.05, 0.2, 0.5, 0.8].map((share) => [probit(share), `${+(100 * share).toPrecision(2)} %`]);
    const named = (name) => ({ type: "value", min: probit(0.0005), max: probit(0.9), interval: 0.5, name, nameLocation: "middle", nameGap: 28, ...axis, axisTick: { show: false }, axisLabel: { show: false }, splitLine: { show: false } });
    const rule = (which, anchor) => ({ [which]: anchor[0], name: anchor[1] });
    const fits = told.points.filter(([x, y]) => x > 0.0005 && x < 0.9 && y > 0.0005 && y < 0.9).map(([x, y]) => [probit(x), probit(y), x, y]);
    const marks = { symbol: "none", silent: true, lineStyle: { color: colour("line"), type: "solid" }, label: { color: colour("ink-soft"), formatter: "{b}", position: "start" }, data: ticks.flatMap((tick) => [rule("xAxis", tick), rule("yAxis", tick)]) };
    return {
      ...rest, legend: undefined, grid: { left: 64, right: 16, top: 12, bottom: 44 },
      tooltip: { ...rest.tooltip, trigger: "item", formatter: ({ value }) => `${told.x} ${(100 * value[2]).toPrecision(3)} %, ${told.y} ${(100 * value[3]).toPrecision(3)} %` },
      xAxis: named(told.x), yAxis: { ...named(told.y), nameGap: 44 },
      series: [{ type: "line", showSymbol: fits.length < 25, lineStyle: { width: 2 }, itemStyle: { color: colour("brand") }, data: fits, markLine: marks }],
    };
  },
  // {points: [{threshold, caught, a_day, false}, …], x, y}: what a threshold costs and catches; threshold.js marks the chosen one
  threshold(told) {
    const { axis, ...rest } = frame();
    const key = told.points.some((point) => point.a_day != null) ? "a_day" : "false";
    const fits = told.points.filter((point) => point[key] > 0 && point.caught != null).map((point) => [point[key], point.caught]);
    return {
      ...rest, legend: undefined, grid: { left: 56, right: 16, top: 12, bottom: 44 },
      xAxis: { type: "log", name: told.x, nameLocation: "middle", nameGap: 28, ...axis }, yAxis: { type: "value", min: 0, max: 1, name: told.y, nameLocation: "middle", nameGap: 36, ...axis },
      series: [{ name: told.y, type: "line", showSymbol: false, lineStyle: { width: 2 }, itemStyle: { color: colour("brand") }, data: fits }],
    };
  },
};

// The normal deviate of a share (Acklam's rational approximation, error below 1.2e-9).
export function probit(share) {
  const a = [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239];
  const b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572];
  const c = [-0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783];
  const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416];
  const along = (terms, x) => terms.reduce((sum, term) => sum * x + term, 0);
  if (share > 0.97575) return -probit(1 - share);
  if (share < 0.02425) { const q = Math.sqrt(-2 * Math.log(share)); return along(c, q) / along([...d, 1], q); }
  const q = share - 0.5;
  return (along(a, q * q) * q) / along([...b, 1], q * q);
}

function draw(element) {
  const told = JSON.parse(document.getElementById(element.dataset.from).textContent);
  const chart = drawn.get(element) ?? echarts.init(element, null, { renderer: "canvas" });
  if (!drawn.has(element)) chart.on("click", ({ data }) => { if (data?.href?.startsWith("/")) location.assign(data.href); });
  drawn.set(element, chart);
  chart.setOption(fitting(KINDS[element.dataset.chart](told, element)), { notMerge: true });
}

export function drawAll(within = document) { within.querySelectorAll("[data-chart]").forEach(draw); }
new ResizeObserver(() => drawn.forEach((chart) => chart.resize())).observe(document.documentElement);
document.addEventListener("theme", () => drawAll());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll());
document.addEventListener("htmx:after:swap", (event) => drawAll(event.target));
drawAll();
export const chartOf = (element) => drawn.get(element);
