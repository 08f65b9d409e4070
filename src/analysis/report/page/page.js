// The page begins: words first, charts once they are on the screen.

startCurve();
const packed = read("explorer-data");
const explorer = packed ? new Explorer(packed) : null;

const drawAll = async () => {
  await drawCurve();
  if (explorer) await explorer.draw();
  document.documentElement.dataset.drawn = "yes";
};
const draw = () => window.requestAnimationFrame(() => window.setTimeout(drawAll));
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
