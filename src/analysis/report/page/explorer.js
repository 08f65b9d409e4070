// The explorer: a choice of every kind picks a specification, whose curve, tests, verdicts and place are shown. Choices,
// levels, verdicts and exposures are those that the tables have.

const ADDRESS = "#explore:";
const PROTOCOL = "verdict"; // the column of the verdict at the protocol's ends; others are named after theirs

// Names of the columns with odds ratios at an end, and each row's place among them.
const placesOf = (cells) => cells.source.numbers.filter((name) => name.startsWith("odds_ratio_")).map((name) => {
  const values = cells.column(name);
  const order = Array.from(values.keys()).filter((row) => !Number.isNaN(values[row])).sort((a, b) => values[a] - values[b]);
  const end = name.replace("odds_ratio_", "");
  return { end, words: `${end.slice(1)}th percentile`, order, values, rank: new Map(order.map((row, place) => [row, place + 1])) };
});

// The line of one end through some of its places: more of them look the same and are drawn anew with every choice.
const SHOWN_PLACES = 400;
const placeLine = ({ order, values, words }) => {
  const step = Math.max(1, Math.floor(order.length / SHOWN_PLACES));
  const shown = [...order.keys()].filter((place) => place % step === 0 || place === order.length - 1);
  return shown.map((place) => ({ rank: place + 1, odds_ratio: values[order[place]], end: words }));
};

class Explorer {
  constructor(packed) {
    this.packed = packed;
    this.cells = new Table(packed.specifications);
    this.others = new Table(packed.exposures);
    this.places = placesOf(this.cells);
    this.primary = { exposure: packed.exposure, ...packed.primary, ends: PROTOCOL };
    this.primaryRow = this.cells.find(packed.primary);
    this.form = byId("choices");
    this.fields = this.fieldsOf();
    this.unknown = [];
    this.fillForm();
    this.listen();
    const asked = this.fromAddress();
    if (!asked) this.set(this.primary);
    this.countUs();
    this.update();
    if (asked) byId("explorer").scrollIntoView();
  }

  // ---- what can be chosen
  fieldsOf() {
    const { packed, cells } = this;
    const verdicts = [PROTOCOL, ...Object.keys(cells.source.words).filter((name) => name.startsWith(`${PROTOCOL}_`))];
    return [
      ["exposure", "Exposure", [[packed.exposure, packed.label], ...this.otherExposures()]],
      ...cells.choices.map((name) => [name, packed.names[name] || name,
        cells.levels(name).map((level) => [level, packed.levels[name][level]])]),
      ...(verdicts.length > 1 ? [["ends", "Ends of the rule", verdicts.map((name) => [name, this.endsWords(name)])]] : []),
    ];
  }

  otherExposures() {
    const found = new Map();
    for (let row = 0; row < this.others.n; row += 1) {
      const name = this.others.word("exposure", row);
      if (this.isNutrient(row) && name !== this.packed.exposure && !found.has(name)) found.set(name, this.others.word("label", row));
    }
    return found;
  }

  isNutrient(row) {
    const { others, packed } = this;
    return others.word("outcome", row) === packed.outcome && others.word("kind", row).endsWith("nutrient") && others.fit(row) !== null;
  }

  endsWords(name) {
    if (name === PROTOCOL) return this.packed.ends;
    return `${name.replace(`${PROTOCOL}_`, "").replace(/p0?(\d+)/g, "$1th").replaceAll("_", " and ")} percentile`;
  }

  fillForm() {
    for (const [name, words, options] of this.fields) {
      const label = document.createElement("label");
      const select = document.createElement("select");
      label.textContent = words;
      select.name = name;
      options.forEach(([value, text]) => select.add(new Option(text, value)));
      label.append(select);
      this.form.append(label);
    }
  }

  // ---- what is chosen
  state() {
    const chosen = this.fields.map(([name]) => [name, this.form.elements[name].value]);
    return { ends: PROTOCOL, ...Object.fromEntries(chosen) };
  }

  // Choices that the tables do not have are the primary study's instead, and are kept to be told.
  set(wanted) {
    this.unknown = [];
    for (const [name, , options] of this.fields) {
      const level = wanted[name] ?? this.primary[name];
      const known = options.some(([value]) => value === level);
      this.form.elements[name].value = known ? level : this.primary[name];
      if (!known) this.unknown.push(`${name} = ${level}`);
    }
    this.keepForm();
  }

  // Forms of energy under which an exposure was fitted.
  formsOf(exposure) {
    const { cells, others, packed } = this;
    if (exposure === packed.exposure) return cells.levels("energy");
    const rows = others.findAll({ exposure, outcome: packed.outcome }).filter((row) => this.isNutrient(row));
    return rows.map((row) => others.word("form", row));
  }

  // A form of energy that the exposure does not have falls back to the primary study's, and is not offered.
  keepForm() {
    const { elements } = this.form;
    const forms = this.formsOf(elements.exposure.value);
    for (const option of elements.energy.options) option.disabled = !forms.includes(option.value);
    if (!forms.includes(elements.energy.value)) elements.energy.value = this.primary.energy;
  }

  choose(wanted) {
    this.set(wanted);
    return this.update(true);
  }

  isOther(chosen) {
    return chosen.exposure !== this.packed.exposure;
  }

  // The table and row of what is chosen; row -1 if it was not fitted.
  found(chosen) {
    const { cells, others, packed } = this;
    if (!this.isOther(chosen)) return [cells, cells.find(Object.fromEntries(cells.choices.map((name) => [name, chosen[name]])))];
    const rows = others.findAll({ exposure: chosen.exposure, outcome: packed.outcome, form: chosen.energy });
    return [others, rows.find((row) => this.isNutrient(row)) ?? -1];
  }

  unit(chosen) {
    const own = this.packed.units[chosen.exposure];
    return chosen.energy === "density" ? `${own.replace("/day", "")} per 1,000 kcal` : own;
  }

  // ---- the address
  remember() {
    window.history.replaceState(null, "", ADDRESS + new URLSearchParams(this.state()).toString());
  }

  fromAddress() {
    if (!window.location.hash.startsWith(ADDRESS)) return false;
    this.set(Object.fromEntries(new URLSearchParams(window.location.hash.slice(ADDRESS.length))));
    return true;
  }

  // ---- what is said
  update(remembered = false) {
    const chosen = this.state();
    const [table, row] = this.found(chosen);
    const [other, answered] = [this.isOther(chosen), row >= 0 && table.fit(row) !== null];
    for (const name of [...this.cells.choices, "ends"]) {
      if (this.form.elements[name]) this.form.elements[name].disabled = other && name !== "energy";
    }
    for (const name of ["of-us", "every-u", "places-figure"]) byId(name).hidden = other;
    byId("explorer-figure").hidden = byId("tests-frame").hidden = !answered;
    byId("why-not").hidden = !other;
    byId("why-not").textContent = other ? this.whyNot() : "";
    if (remembered) this.remember();
    byId("found").replaceChildren(...this.sentences(chosen, table, row).map(paragraphOf));
    byId("found-tests").tBodies[0].replaceChildren(...(answered ? this.tests(chosen, table, row).map(lineOf) : []));
    const where = answered ? `, against ${intakeWords(table.number("reference", row))} ${this.unit(chosen)}` : "";
    this.sayU(table, row);
    const exposure = this.form.elements.exposure.selectedOptions[0].text;
    byId("explorer-caption").textContent = `Odds ratio by intake of ${exposure} (${this.unit(chosen)})${where}`;
    return this.redraw(chosen, table, row, answered);
  }

  whyNot() {
    const fixed = this.fields.filter(([name]) => this.form.elements[name].disabled).map(([, words]) => words.toLowerCase());
    return `Other exposures were fitted under the primary study's choices only: ${fixed.join(", ")} cannot be changed for them.`;
  }

  sentences(chosen, table, row) {
    const lines = this.unknown.length ? [`The address asks for ${this.unknown.join(", ")}, which these results do not have; the primary study's choice is shown instead.`] : [];
    if (row < 0) {
      return [...lines, "This combination of choices is not among the specifications. Choose another one."];
    }
    if (!table.fit(row)) return [...lines, `This specification has no answer: ${table.word("reason", row)}`];
    const verdict = table.word(table.has(chosen.ends) ? chosen.ends : PROTOCOL, row);
    lines.push(`Falls, then rises: ${verdict === "U" ? "shown, a U" : `not shown (${this.packed.verdicts[verdict] || verdict})`}.`);
    if (table.has("levels_verdict")) {
      lines.push(`Both ends higher than the middle: ${table.word("levels_verdict", row) === this.packed.higher ? "shown" : "not shown"}.`);
    }
    lines.push(table === this.cells ? this.placeWords(row) : this.rankWords(row));
    const dropped = table.has("dropped") ? table.word("dropped", row) : "";
    return dropped ? [...lines, `Left out, as it does not vary in these people: ${dropped}.`] : lines;
  }

  placeWords(row) {
    const at = this.places.map((place) => `at the ${place.words} number ${count(place.rank.get(row))}`);
    return `Among the odds ratios of all ${count(this.cells.n)} specifications, sorted from the lowest: ${at.join(", ")}.`;
  }

  rankWords(row) {
    const number = (name) => this.others.number(name, row);
    return `By its non-linear p it is number ${count(number("nonlinear_rank"))} of ${count(number("tested"))} exposures of its kind, false-discovery rate q = ${number("nonlinear_q").toFixed(3)}.`;
  }

  tests(chosen, table, row) {
    const number = (name) => table.number(name, row);
    const p = (name) => (table.has(name) ? pWords(number(name)) : "");
    const drawn = (name) => `${intakeWords(number(name))} ± ${errorWords(number(`${name}_mc_error`))}`;
    const unit = this.unit(chosen);
    const odds = table !== this.cells ? [] : this.places.map(({ end, words }) => [
      `Odds ratio at the ${words} (${intakeWords(number(end))} ${unit})`,
      oddsWords(...["odds_ratio", "conf_low", "conf_high"].map((name) => number(`${name}_${end}`)))]);
    return [
      ["People", `${count(number("n"))}, ${count(number("cases"))} of them with neuropathy`],
      ["Any association (Wald F)", p("overall_p")],
      ["Not a straight line (Wald F)", p("nonlinear_p")],
      ["Falls at the low end (5th percentile, one-sided)", p("end_low_p")],
      ["Rises at the high end (95th percentile, one-sided)", p("end_high_p")],
      [`Falls and rises at the ends chosen (${this.endsWords(chosen.ends)})`, p(chosen.ends.replace(PROTOCOL, "end_slopes_p"))],
      ["Two lines, a fall and a rise", p("two_lines_p")],
      ["Low end higher than the middle (one-sided)", p("level_low_p")],
      ["High end higher than the middle (one-sided)", p("level_high_p")],
      ["Both ends higher", p("levels_p")],
      ["Lowest point", `${intakeWords(number("nadir"))} ${unit} (${drawn("nadir_low")} to ${drawn("nadir_high")}, draws of the coefficients)`],
      ["Lowest point inside the range", `${percent(number("interior"))} (± ${(100 * number("interior_mc_error")).toFixed(1)}) of draws`],
      ...odds,
    ].filter(([, words]) => words);
  }

  // ---- what is drawn
  curve(chosen, table, row) {
    const unit = this.unit(chosen);
    return curveOf(table, row, grid(table.number("shown_low", row), table.number("shown_high", row))).map((point) => ({
      ...point, words: `At ${intakeWords(point.x)} ${unit}: odds ratio ${oddsWords(point.odds_ratio, point.conf_low, point.conf_high)}` }));
  }

  // The primary study's curve lies beside another one of the same exposure in the same unit; otherwise it is a single
  // point, which draws no line.
  curves(chosen, table, row) {
    const curve = this.curve(chosen, table, row);
    const comparable = table === this.cells && row !== this.primaryRow && !["density", "residual"].includes(chosen.energy);
    return { curve, primary: comparable ? this.curve(this.primary, this.cells, this.primaryRow) : curve.slice(0, 1) };
  }

  chosenPlaces(row) {
    return this.places.map(({ rank, values }) => ({ rank: rank.get(row), odds_ratio: values[row] }));
  }

  redraw(chosen, table, row, answered) {
    const placed = answered && table === this.cells;
    const seen = `${answered} ${placed}`;
    // A chart takes the width that it has when it is drawn: charts that come or go change it.
    if (this.seen && seen !== this.seen) window.dispatchEvent(new Event("resize"));
    this.seen = seen;
    return Promise.all([
      answered && replace("explorer-chart", this.curves(chosen, table, row)),
      placed && replace("places-chart", { chosen: this.chosenPlaces(row) }),
    ]).then(() => undefined);
  }

  async draw() {
    const chosen = this.state();
    const [table, row] = this.found(chosen);
    const answered = row >= 0 && table.fit(row) !== null;
    const places = this.places.flatMap(placeLine);
    const placed = answered && table === this.cells ? row : this.primaryRow;
    await show("explorer-chart", answered ? this.curves(chosen, table, row) : this.curves(this.primary, this.cells, this.primaryRow));
    await show("places-chart", { places, chosen: this.chosenPlaces(placed) });
  }

  // ---- what is listened to
  listen() {
    this.form.addEventListener("change", (event) => {
      this.unknown = [];
      const chosen = this.state();
      // Another exposure was fitted under the primary study's choices only, so that the address may tell no other.
      if (event.target.name === "exposure" && this.isOther(chosen)) this.set({ exposure: chosen.exposure, energy: chosen.energy });
      else this.keepForm();
      if (event.target.name === "ends") this.countUs();
      this.update(true);
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    byId("as-primary").addEventListener("click", () => this.choose(this.primary));
    byId("next-u").addEventListener("click", () => this.stepU(1));
    byId("previous-u").addEventListener("click", () => this.stepU(-1));
    byId("every-u").addEventListener("toggle", () => this.listUs());
    window.addEventListener("hashchange", () => {
      if (!this.fromAddress()) return;
      this.countUs();
      this.update().then(() => byId("explorer").scrollIntoView());
    });
  }

  rowsOfU() {
    const column = this.cells.source.words[this.state().ends];
    return column.at.flatMap((at, row) => (column.levels[at] === "U" ? [row] : []));
  }

  countUs() {
    const rows = this.rowsOfU();
    byId("next-u").disabled = byId("previous-u").disabled = !rows.length;
    this.listUs();
  }

  // Which of the specifications that end in a U is shown, if one is.
  sayU(table, row) {
    const rows = this.rowsOfU();
    const at = table === this.cells ? rows.indexOf(row) : -1;
    const all = `${count(rows.length)} of ${count(this.cells.n)} end in a U`;
    byId("u-count").textContent = at < 0 ? `${all}.` : `Number ${count(at + 1)}; ${all}.`;
  }

  choicesOf(row) {
    return Object.fromEntries(this.cells.choices.map((name) => [name, this.cells.word(name, row)]));
  }

  stepU(step) {
    const chosen = this.state();
    const [table, row] = this.found(chosen);
    const rows = this.rowsOfU();
    const at = table === this.cells ? rows.indexOf(row) : -1;
    const next = at < 0 ? rows.at(step > 0 ? 0 : -1) : rows.at((at + step) % rows.length);
    return this.choose({ ends: chosen.ends, ...this.choicesOf(next) });
  }

  // Every U with its address, once it is asked for; and how many there are at each level of each choice.
  listUs() {
    if (!byId("every-u").open) return;
    const [rows, { ends }] = [this.rowsOfU(), this.state()];
    const told = this.cells.choices.map((name) => this.levelsOf(name, rows)).join(" ");
    byId("us-by-choice").textContent = rows.length ? `Of these ${count(rows.length)}, by choice. ${told}` : "";
    byId("us").replaceChildren(...rows.map((row) => this.linkOf(row, ends)));
  }

  levelsOf(name, rows) {
    const found = new Map();
    rows.forEach((row) => found.set(this.cells.word(name, row), (found.get(this.cells.word(name, row)) || 0) + 1));
    const told = [...found].sort((a, b) => b[1] - a[1]).map(([level, n]) => `${this.wordsOf(name, level)} ${count(n)}`);
    return `${this.packed.names[name] || name}: ${told.join(", ")}.`;
  }

  linkOf(row, ends) {
    const choices = this.choicesOf(row);
    const link = document.createElement("a");
    link.href = ADDRESS + new URLSearchParams({ exposure: this.packed.exposure, ...choices, ends }).toString();
    link.textContent = Object.entries(choices).map(([name, level]) => this.wordsOf(name, level)).join(", ");
    const item = document.createElement("li");
    item.append(link);
    return item;
  }

  wordsOf(name, level) {
    const words = this.packed.levels[name][level];
    return name === "knots" ? `${words} knots` : name === "sample" && words === "all" ? "all people" : words;
  }
}

const paragraphOf = (line) => {
  const paragraph = document.createElement("p");
  paragraph.textContent = line;
  if (line.startsWith("Falls") || line.startsWith("Both ends")) paragraph.className = "verdict-words";
  return paragraph;
};

const lineOf = ([head, words]) => {
  const line = document.createElement("tr");
  const th = document.createElement("th");
  th.scope = "row";
  th.textContent = head;
  line.append(th);
  line.insertCell().textContent = words;
  return line;
};
