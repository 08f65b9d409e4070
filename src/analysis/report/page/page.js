"use strict";
// The page's charts and its explorer. Numbers come from the results files, packed into the page; the one thing computed
// here is the curve of a specification, from its coefficients and their covariance.
window.report = (() => {
  const byId = (name) => document.getElementById(name);
  const read = (name) => (byId(name) ? JSON.parse(byId(name).textContent) : null);
  const study = read("curve-data");
  const specs = read("chart-specs");
  const packed = read("explorer-data");

  // ---- words, rounded as everywhere else in the project
  const pWords = (p) => (Number.isNaN(p) ? "no answer" : p < 0.001 ? "p < 0.001" : `p = ${p.toFixed(3)}`);
  const intakeWords = (x) => (Math.abs(x) >= 100 ? x.toFixed(0) : String(Number(x.toPrecision(3))));
  const oddsWords = (middle, low, high) => `${middle.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const errorWords = (error) => {
    const first = Number(error.toPrecision(1));
    return error > 0 ? error.toFixed(Math.max(0, -Math.floor(Math.log10(first)))) : "0";
  };
  const count = (n) => n.toLocaleString("en-US");

  // ---- packed tables
  const floats = (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Float64Array.from({ length: bytes.length / 8 }, (_, place) => view.getFloat64(8 * place, true));
  };

  class Table {
    constructor(source) {
      this.n = source.n;
      this.choices = source.choices;
      this.source = source;
      this.values = floats(source.values);
      this.curves = floats(source.curves);
    }
    has(name) {
      return this.source.numbers.includes(name) || name in this.source.words;
    }
    column(name) {
      const place = this.source.numbers.indexOf(name);
      return this.values.subarray(place * this.n, (place + 1) * this.n);
    }
    number(name, row) {
      return this.source.numbers.includes(name) ? this.column(name)[row] : NaN;
    }
    word(name, row) {
      const words = this.source.words[name];
      return words ? words.levels[words.at[row]] : String(this.number(name, row));
    }
    levels(name) {
      const words = this.source.words[name];
      return words ? words.levels : [...new Set(this.column(name))].map(String);
    }
    find(wanted) {
      for (let row = 0; row < this.n; row += 1) {
        if (Object.entries(wanted).every(([name, level]) => this.word(name, row) === level)) return row;
      }
      return -1;
    }
    // Knots, coefficients and covariance of a row, as analysis.audit.coefficients puts them; null if it has none.
    fit(row) {
      const [start, k] = this.source.starts.slice(2 * row, 2 * row + 2);
      if (!k) return null;
      const part = (from, size) => this.curves.subarray(start + from, start + from + size);
      return { knots: part(0, k), beta: part(k, k - 1), lower: part(2 * k - 1, (k * (k - 1)) / 2) };
    }
  }

  // ---- the restricted cubic spline: Harrell's basis, divided by the squared distance of the outer knots
  const basis = (x, knots) => {
    const k = knots.length;
    const cube = (knot) => Math.max(x - knot, 0) ** 3;
    const [last, before] = [knots[k - 1], knots[k - 2]];
    const found = [x];
    for (let j = 0; j < k - 2; j += 1) {
      const bend = cube(knots[j]) - (cube(before) * (last - knots[j])) / (last - before) +
        (cube(last) * (before - knots[j])) / (last - before);
      found.push(bend / (last - knots[0]) ** 2);
    }
    return found;
  };

  // Odds ratio against the reference, with its interval, at some intakes.
  const curveOf = (table, row, intakes) => {
    const fit = table.fit(row);
    if (!fit) return [];
    const [reference, critical] = [table.number("reference", row), table.number("critical", row)];
    const from = basis(reference, fit.knots);
    return Array.from(intakes, (x) => {
      const contrast = basis(x, fit.knots).map((value, j) => value - from[j]);
      let [logOdds, variance, place] = [0, 0, 0];
      contrast.forEach((value, j) => {
        logOdds += value * fit.beta[j];
        for (let i = 0; i <= j; i += 1) {
          variance += (i === j ? 1 : 2) * value * contrast[i] * fit.lower[place];
          place += 1;
        }
      });
      const reach = critical * Math.sqrt(Math.max(variance, 0));
      return { x, odds_ratio: Math.exp(logOdds), conf_low: Math.exp(logOdds - reach), conf_high: Math.exp(logOdds + reach) };
    });
  };
  const grid = (low, high, points = 160) => Array.from({ length: points + 1 }, (_, i) => low + ((high - low) * i) / points);

  // ---- charts
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

  // ---- the curve of the study's models
  const told = (row) => {
    const odds = row.odds_ratio === undefined ? "" : `odds ratio ${oddsWords(row.odds_ratio, row.conf_low, row.conf_high)}`;
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
    byId("curve-words").textContent = `${told(row)}, against ${intakeWords(study.reference)} ${study.unit}.`;
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

  // ---- the explorer
  const explorer = packed ? startExplorer() : null;
  function startExplorer() {
    const cells = new Table(packed.specifications);
    const others = new Table(packed.exposures);
    const MARK = "#explore:";
    const verdicts = ["verdict", ...Object.keys(cells.source.words).filter((name) => name.startsWith("verdict_"))];
    const endsWords = (name) => (name === "verdict" ? packed.ends
      : `${name.replace("verdict_", "").replace(/p0?(\d+)/g, "$1th").replaceAll("_", " and ")} percentile`);
    const exposures = new Map();
    for (let row = 0; row < others.n; row += 1) {
      if (others.word("outcome", row) === packed.outcome && others.word("kind", row).endsWith("nutrient") && others.fit(row)) {
        const key = others.word("exposure", row);
        if (!exposures.has(key) && key !== packed.exposure) exposures.set(key, others.word("label", row));
      }
    }
    const fields = [
      ["exposure", "Exposure", [[packed.exposure, packed.label], ...exposures]],
      ...cells.choices.map((name) => [name, packed.names[name] || name,
        cells.levels(name).map((level) => [level, packed.levels[name][level]])]),
      ...(verdicts.length > 1 ? [["ends", "Ends of the rule", verdicts.map((name) => [name, endsWords(name)])]] : []),
    ];
    const primary = { exposure: packed.exposure, ...packed.primary, ends: "verdict" };
    const form = byId("choices");
    for (const [name, words, options] of fields) {
      const label = document.createElement("label");
      label.textContent = words;
      const select = document.createElement("select");
      select.name = name;
      options.forEach(([value, text]) => select.add(new Option(text, value)));
      label.append(select);
      form.append(label);
    }
    const state = () => ({ ends: "verdict", ...Object.fromEntries(fields.map(([name]) => [name, form.elements[name].value])) });
    const set = (wanted) => {
      const unknown = [];
      for (const [name, , options] of fields) {
        const level = wanted[name] ?? primary[name];
        if (options.some(([value]) => value === level)) form.elements[name].value = level;
        else {
          unknown.push(`${name} = ${level}`);
          form.elements[name].value = primary[name];
        }
      }
      return unknown;
    };
    const isOther = (chosen) => chosen.exposure !== packed.exposure;
    const located = (chosen) => {
      if (!isOther(chosen)) return [cells, cells.find(Object.fromEntries(cells.choices.map((name) => [name, chosen[name]])))];
      const wanted = { exposure: chosen.exposure, outcome: packed.outcome, form: chosen.energy };
      for (const kind of others.levels("kind").filter((name) => name.endsWith("nutrient"))) {
        const row = others.find({ ...wanted, kind });
        if (row >= 0 && others.fit(row)) return [others, row];
      }
      return [others, -1];
    };

    // Rows of cells by their odds ratio at each end, and the place of every row.
    const ends = [...new Set(cells.source.numbers.filter((name) => name.startsWith("odds_ratio_")))];
    const endWords = (name) => `${name.replace("odds_ratio_p", "")}th percentile`;
    const places = Object.fromEntries(ends.map((name) => {
      const values = cells.column(name);
      const order = Array.from(values.keys()).filter((row) => !Number.isNaN(values[row])).sort((a, b) => values[a] - values[b]);
      const rank = new Map(order.map((row, place) => [row, place + 1]));
      return [name, { order, rank, values }];
    }));
    const placeRows = () => ends.flatMap((name) => places[name].order.map((row, place) => (
      { rank: place + 1, odds_ratio: places[name].values[row], end: endWords(name) })));
    const chosenRows = (table, row) => (table !== cells || row < 0 ? [] : ends.flatMap((name) => (
      places[name].rank.has(row) ? [{ rank: places[name].rank.get(row), odds_ratio: places[name].values[row] }] : [])));

    const unit = (chosen) => (chosen.energy === "density" ? `${packed.units[chosen.exposure].replace("/day", "")} per 1,000 kcal` : packed.units[chosen.exposure]);
    const curveRows = (table, row, chosen) => curveOf(table, row, grid(table.number("shown_low", row), table.number("shown_high", row)))
      .map((point) => ({ ...point, words: `At ${intakeWords(point.x)} ${unit(chosen)}: odds ratio ${oddsWords(point.odds_ratio, point.conf_low, point.conf_high)}` }));

    // The primary study's curve beside another one of the same exposure in the same unit; otherwise a single point, which
    // draws no line.
    const primaryRow = cells.find(packed.primary);
    const chartSets = (chosen, table, row) => {
      const curve = curveRows(table, row, chosen);
      const comparable = table === cells && row !== primaryRow && !["density", "residual"].includes(chosen.energy);
      return { curve, primary: comparable ? curveRows(cells, primaryRow, primary) : curve.slice(0, 1) };
    };
    const drawable = (table, row) => row >= 0 && table.fit(row) !== null;

    const drawnWords = (table, row, name) => `${intakeWords(table.number(name, row))} ± ${errorWords(table.number(`${name}_mc_error`, row))}`;
    const testRows = (table, row, chosen) => {
      const p = (name) => (table.has(name) ? pWords(table.number(name, row)) : null);
      const slopes = chosen.ends === "verdict" ? "end_slopes_p" : chosen.ends.replace("verdict", "end_slopes_p");
      const found = [
        ["People", `${count(table.number("n", row))}, ${count(table.number("cases", row))} of them with neuropathy`],
        ["Any association (Wald F)", p("overall_p")],
        ["Not a straight line (Wald F)", p("nonlinear_p")],
        ["Falls at the low end (5th percentile, one-sided)", p("end_low_p")],
        ["Rises at the high end (95th percentile, one-sided)", p("end_high_p")],
        [`Falls and rises at the ends chosen (${endsWords(chosen.ends)})`, p(slopes)],
        ["Two lines, a fall and a rise", p("two_lines_p")],
        ["Low end higher than the middle (one-sided)", p("level_low_p")],
        ["High end higher than the middle (one-sided)", p("level_high_p")],
        ["Both ends higher", p("levels_p")],
        ["Lowest point", `${intakeWords(table.number("nadir", row))} ${unit(chosen)} (${drawnWords(table, row, "nadir_low")} to ${drawnWords(table, row, "nadir_high")}, draws of the coefficients)`],
        ["Lowest point inside the range", `${percent(table.number("interior", row))} (± ${(100 * table.number("interior_mc_error", row)).toFixed(1)}) of draws`],
      ];
      for (const name of table === cells ? ends : []) {
        const end = name.replace("odds_ratio", "");
        found.push([`Odds ratio at the ${endWords(name)} (${intakeWords(table.number(end.slice(1), row))} ${unit(chosen)})`,
          oddsWords(table.number(name, row), table.number(`conf_low${end}`, row), table.number(`conf_high${end}`, row))]);
      }
      return found.filter(([, words]) => words !== null);
    };
    const sentences = (table, row, chosen, unknown) => {
      const lines = unknown.length ? [`The address asks for ${unknown.join(", ")}, which these results do not have; the primary study's choice is shown instead.`] : [];
      if (row < 0) {
        return [...lines, isOther(chosen) ? "This exposure was not fitted under this form of energy. Choose another form."
          : "This combination of choices is not among the specifications. Choose another one."];
      }
      if (!table.fit(row)) return [...lines, `This specification has no answer: ${table.word("reason", row)}`];
      const verdict = table.word(table.has(chosen.ends) ? chosen.ends : "verdict", row);
      lines.push(`Falls, then rises: ${verdict}.`);
      if (table.has("levels_verdict")) lines.push(`Both ends higher than the middle: ${table.word("levels_verdict", row)}.`);
      if (table === cells) {
        const at = ends.map((name) => `at the ${endWords(name)} number ${count(places[name].rank.get(row))}`);
        lines.push(`Among the odds ratios of all ${count(cells.n)} specifications, sorted from the lowest: ${at.join(", ")}.`);
      } else if (table.has("nonlinear_rank")) {
        lines.push(`By its non-linear p it is number ${count(table.number("nonlinear_rank", row))} of ${count(table.number("tested", row))} exposures of its kind, false-discovery rate q = ${table.number("nonlinear_q", row).toFixed(3)}.`);
      }
      if (table.has("dropped") && table.word("dropped", row)) lines.push(`Left out, as it does not vary in these people: ${table.word("dropped", row)}.`);
      return lines;
    };
    const say = (table, row, chosen, unknown) => {
      byId("found").replaceChildren(...sentences(table, row, chosen, unknown).map((line) => {
        const paragraph = document.createElement("p");
        paragraph.textContent = line;
        if (line.startsWith("Falls") || line.startsWith("Both ends")) paragraph.className = "verdict-words";
        return paragraph;
      }));
      const body = byId("found-tests").tBodies[0];
      body.replaceChildren(...(row < 0 || !table.fit(row) ? [] : testRows(table, row, chosen)).map(([head, words]) => {
        const line = document.createElement("tr");
        const th = document.createElement("th");
        th.scope = "row";
        th.textContent = head;
        line.append(th);
        line.insertCell().textContent = words;
        return line;
      }));
      const where = row < 0 ? "" : `, against ${intakeWords(table.number("reference", row))} ${unit(chosen)}`;
      byId("explorer-caption").textContent = `Odds ratio by intake of ${form.elements.exposure.selectedOptions[0].text} (${unit(chosen)})${where}`;
    };
    let unknown = [];
    const current = () => [state(), ...located(state())];
    const update = () => {
      const [chosen, table, row] = current();
      for (const name of cells.choices) form.elements[name].disabled = isOther(chosen) && name !== "energy";
      if (form.elements.ends) form.elements.ends.disabled = isOther(chosen);
      say(table, row, chosen, unknown);
      byId("explorer-chart").style.visibility = drawable(table, row) ? "visible" : "hidden";
      byId("places-chart").style.visibility = chosenRows(table, row).length ? "visible" : "hidden";
      return Promise.all([
        drawable(table, row) ? replace("explorer-chart", chartSets(chosen, table, row)) : null,
        chosenRows(table, row).length ? replace("places-chart", { chosen: chosenRows(table, row) }) : null,
      ]).then(() => undefined);
    };
    const remember = () => {
      const words = new URLSearchParams(state()).toString();
      window.history.replaceState(null, "", MARK + words);
    };
    const choose = (wanted) => {
      unknown = set(wanted);
      remember();
      return update();
    };
    const fromAddress = () => {
      if (!window.location.hash.startsWith(MARK)) return false;
      unknown = set(Object.fromEntries(new URLSearchParams(window.location.hash.slice(MARK.length))));
      return true;
    };
    form.addEventListener("change", (event) => {
      unknown = [];
      // Another exposure was fitted under the primary study's choices only: they are set, so that the address tells no other.
      if (event.target.name === "exposure" && isOther(state())) set({ ...primary, exposure: state().exposure, energy: state().energy });
      remember();
      update();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    byId("as-primary").addEventListener("click", () => choose(primary));
    const rowsOfU = () => {
      const column = cells.source.words[form.elements.ends ? form.elements.ends.value : "verdict"];
      return column.at.flatMap((at, row) => (column.levels[at] === "U" ? [row] : []));
    };
    const countU = () => {
      const rows = rowsOfU();
      byId("u-count").textContent = `${count(rows.length)} of ${count(cells.n)} end in a U.`;
      byId("next-u").disabled = !rows.length;
    };
    byId("next-u").addEventListener("click", () => {
      const rows = rowsOfU();
      const [chosen, table, row] = current();
      const next = rows.find((one) => table === cells && one > row) ?? rows[0];
      choose({ exposure: packed.exposure, ends: chosen.ends, ...Object.fromEntries(cells.choices.map((name) => [name, cells.word(name, next)])) })
        .then(() => {
          const place = rows.indexOf(next) + 1;
          byId("u-count").textContent = `Number ${count(place)} of ${count(rows.length)} that end in a U, among ${count(cells.n)}.`;
        });
    });
    if (form.elements.ends) form.elements.ends.addEventListener("change", countU);
    const asked = fromAddress();
    if (!asked) set(primary);
    countU();
    update();
    if (asked) byId("explorer").scrollIntoView();
    window.addEventListener("hashchange", () => {
      if (fromAddress()) update().then(() => byId("explorer").scrollIntoView());
    });
    return {
      cells, others, choose, state,
      draw: () => {
        const [chosen, table, row] = current();
        const sets = drawable(table, row) ? chartSets(chosen, table, row) : chartSets(primary, cells, primaryRow);
        return Promise.all([
          show("explorer-chart", sets),
          show("places-chart", { places: placeRows(), chosen: chosenRows(...(table === cells ? [table, row] : [cells, primaryRow])) }),
        ]);
      },
    };
  }

  // ---- drawing waits for the words to be on the screen
  const drawAll = async () => {
    await drawCurve();
    if (explorer) await explorer.draw();
    document.documentElement.dataset.drawn = "yes";
  };
  const draw = () => window.requestAnimationFrame(() => window.setTimeout(drawAll));
  startCurve();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  return { draw, curveOf, grid, explorer };
})();
