// The curve of the study's models: both charts, and the same in words for whoever has no pointer.

const study = read("curve-data");
const told = (row) => {
  const odds = row.odds_ratio === undefined ? "" :
    `odds ratio ${oddsWords(row.odds_ratio, row.conf_low, row.conf_high)} against ${intakeWords(study.reference)}`;
  const risk = row.prevalence === undefined ? "" :
    `risk ${percent(row.prevalence)} (${percent(row.prevalence_low)} to ${percent(row.prevalence_high)})`;
  return `At ${intakeWords(row.x)} ${study.unit}: ${[odds, risk].filter(Boolean).join("; ")}`;
};
const modelRows = () => study.rows.filter((row) => row.model === byId("curve-model").value);
const curveSets = () => {
  const rows = modelRows().map((row) => ({ ...row, words: told(row) }));
  return [rows.filter((row) => row.odds_ratio !== undefined), rows.filter((row) => row.prevalence !== undefined)];
};
const sayIntake = () => {
  const rows = modelRows().filter((row) => row.odds_ratio !== undefined && row.prevalence !== undefined);
  byId("curve-intake").max = rows.length - 1;
  const row = rows[Math.min(Number(byId("curve-intake").value), rows.length - 1)];
  byId("curve-words").textContent = `${told(row)}.`;
  byId("curve-intake").setAttribute("aria-valuetext", byId("curve-words").textContent);
};
const drawCurve = () => {
  const [odds, risk] = curveSets();
  return Promise.all([show("odds-chart", { curve: odds }), show("risk-chart", { curve: risk })]);
};
const startCurve = () => {
  const rows = modelRows().filter((row) => row.odds_ratio !== undefined && row.prevalence !== undefined);
  const low = rows.findIndex((row) => row.tabulated && row.x >= study.start);
  byId("curve-intake").min = 0;
  byId("curve-intake").max = rows.length - 1;
  byId("curve-intake").value = Math.max(low, 0);
  byId("curve-intake").addEventListener("input", sayIntake);
  byId("curve-model").addEventListener("change", () => {
    const [odds, risk] = curveSets();
    sayIntake();
    replace("odds-chart", { curve: odds });
    replace("risk-chart", { curve: risk });
  });
  sayIntake();
};
