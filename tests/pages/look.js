// Looks at a page as it is laid out and returns what is wrong with it, a sentence each.
(() => {
  const problems = [];
  const name = (element) => {
    const text = element.textContent.trim().slice(0, 40);
    const within = element.closest("figure, section")?.id || element.closest("section")?.querySelector("h2")?.textContent || "";
    return `<${element.localName} class="${element.getAttribute("class") ?? ""}"> "${text}" in "${within}"`;
  };
  const say = (what, element) => problems.push(`${what}: ${name(element)}`);
  const box = (element) => element.getBoundingClientRect();
  const apart = (a, b, slack = 0) =>
    a.right - slack <= b.left || b.right - slack <= a.left || a.bottom - slack <= b.top || b.bottom - slack <= a.top;
  const shown = (element) => element.checkVisibility() && box(element).width > 0;

  // The page does not scroll sideways, and nothing lies outside of it or of a box that scrolls.
  if (document.documentElement.scrollWidth > innerWidth) {
    problems.push(`the page is ${document.documentElement.scrollWidth} px wide on a screen of ${innerWidth}`);
  }
  for (const element of document.querySelectorAll("main *")) {
    if (!shown(element) || element.closest("svg.lines")) continue;
    const scroller = element.parentElement.closest(".scroll, pre");
    const place = box(element);
    let [left, right] = [0, innerWidth];
    if (scroller) {
      left = box(scroller).left - scroller.scrollLeft;
      right = left + scroller.scrollWidth;
    }
    if (place.left < left - 1 || place.right > right + 1) say("out of view", element);
  }

  // Text is large enough, stands out from its ground, and lies inside its drawing.
  const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = (rgb) => {
    const part = (x) => (x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(rgb[0]) + 0.7152 * part(rgb[1]) + 0.0722 * part(rgb[2]);
  };
  const contrast = (a, b) => {
    const [x, y] = [luminance(channels(a)), luminance(channels(b))];
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (channels(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim() === "" || element.closest("script, style, title") || !shown(element)) continue;
    const style = getComputedStyle(element);
    const drawn = element instanceof SVGElement;
    const scale = drawn ? element.getScreenCTM().a : 1;
    if (parseFloat(style.fontSize) * scale < 11) say(`text of ${parseFloat(style.fontSize) * scale} px`, element);
    const frame = element.closest(".cell svg") && element.previousElementSibling;
    const behind = frame ? getComputedStyle(frame).fill : ground(element.closest("svg")?.parentElement ?? element);
    const found = contrast(drawn ? style.fill : style.color, behind);
    if (found < 4.5) say(`contrast of ${found.toFixed(2)}`, element);
    if (frame && box(element).width > box(frame).width) say("text wider than its box", element);
  }
  for (const svg of document.querySelectorAll("main svg:not(svg svg)")) {
    const words = [...svg.querySelectorAll("text")].filter(shown);
    const place = box(svg);
    for (const [i, text] of words.entries()) {
      const at = box(text);
      if (at.left < place.left - 1 || at.right > place.right + 1 || at.top < place.top - 1 || at.bottom > place.bottom + 1) {
        say("text cut off", text);
      }
      const other = words.slice(0, i).find((other) => !apart(box(other), at, 1));
      if (other) say(`text over "${other.textContent}"`, text);
    }
    for (const mark of svg.querySelectorAll("circle")) {
      const at = box(mark);
      if (at.left < place.left || at.right > place.right || at.top < place.top || at.bottom > place.bottom) {
        say("mark out of its drawing", mark);
      }
    }
  }

  // Legends stand beside the data.
  for (const legend of document.querySelectorAll(".legend")) {
    for (const svg of legend.closest("figure").querySelectorAll("svg")) {
      if (!apart(box(svg), box(legend))) say("legend over the data", legend);
    }
  }
  return [...new Set(problems)];
})()
