// Numbers in words, the tables packed into the page, and the one thing that is computed here: the curve of a
// specification, from its coefficients and their covariance.

const byId = (name) => document.getElementById(name);
const read = (name) => (byId(name) ? JSON.parse(byId(name).textContent) : null);

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
  // Rows with these words in these columns.
  findAll(wanted) {
    const every = Array.from({ length: this.n }, (_, row) => row);
    return Object.entries(wanted).reduce((rows, [name, level]) => rows.filter((row) => this.word(name, row) === level), every);
  }
  find(wanted) {
    return this.findAll(wanted)[0] ?? -1;
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
