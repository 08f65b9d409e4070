// Vega-Lite's charts in the reader's colours; data are put in by name and replaced without a new chart.

const specs = read("chart-specs");
const TOKENS = ["ink", "muted", "line", "accent", "low", "high"];
const views = {};
const colours = () => {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(TOKENS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
};
const coloured = (value, of) => {
  if (Array.isArray(value)) return value.map((one) => coloured(one, of));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [
      key, ["color", "range"].includes(key) && typeof one === "string" && of[one] ? of[one]
        : key === "range" && Array.isArray(one) ? one.map((name) => of[name] || name) : coloured(one, of),
    ]));
  }
  return value;
};
const config = (of) => ({
  background: "transparent", font: "system-ui, sans-serif", view: { stroke: null },
  axis: { labelColor: of.ink, titleColor: of.ink, gridColor: of.line, domainColor: of.muted, tickColor: of.muted,
    labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" },
  legend: { labelColor: of.ink, titleColor: of.ink, labelFontSize: 12 },
});
const show = async (name, data) => {
  if (!byId(name) || !specs[name]) return;
  const of = colours();
  const spec = { ...coloured(specs[name], of), datasets: data };
  const { view } = await window.vegaEmbed(byId(name), spec, {
    actions: false, renderer: "svg", config: config(of), tooltip: { disableDefaultStyle: true, theme: "page" },
  });
  views[name] = view;
};
const replace = (name, data) => {
  const view = views[name];
  if (!view) return Promise.resolve();
  Object.entries(data).forEach(([set, rows]) => view.data(set, rows));
  return view.runAsync();
};
