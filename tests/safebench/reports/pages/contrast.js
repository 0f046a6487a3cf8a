// Every visible text whose contrast with what is behind it is below `least` (arguments[0]); WCAG 2.2, 1.4.3.
const least = arguments[0];
const scratch = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

function rgba(color) {
  scratch.clearRect(0, 0, 1, 1);
  scratch.fillStyle = color;
  scratch.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = scratch.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
}

const over = ([r, g, b, a], below) => [r, g, b].map((part, n) => a * part + (1 - a) * below[n]);
const linear = (part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
const luminance = (color) => color.map(linear).reduce((sum, part, n) => sum + part * [0.2126, 0.7152, 0.0722][n], 0);

function ratio(first, second) {
  const [dark, light] = [luminance(first), luminance(second)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function behind(element) {
  const layers = [];
  for (let one = element; one; one = one.parentElement) layers.unshift(rgba(getComputedStyle(one).backgroundColor));
  return layers.reduce((below, layer) => over(layer, below), [255, 255, 255]);
}

function behindInChart(text) {  // the shapes drawn under its middle
  const box = text.getBoundingClientRect();
  const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
  return [...text.ownerSVGElement.querySelectorAll("path")].reduce((below, shape) => {
    const { fill, fillOpacity } = getComputedStyle(shape);
    const at = shape.getBoundingClientRect();
    if (fill === "none" || x < at.left || x > at.right || y < at.top || y > at.bottom) return below;
    const [r, g, b, a] = rgba(fill);
    return over([r, g, b, a * fillOpacity], below);
  }, behind(text.ownerSVGElement));
}

const found = { texts: 0, low: [] };
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
  const chart = element.closest("svg");
  const back = chart ? behindInChart(element) : behind(element);
  const style = getComputedStyle(element);
  const value = ratio(over(rgba(chart ? style.fill : style.color), back), back);
  found.texts += 1;
  if (value < least) found.low.push(`${value.toFixed(2)} ${element.tagName} ${walker.currentNode.textContent.trim().slice(0, 40)}`);
}
return found;
