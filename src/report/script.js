(() => {
  "use strict";

  // Values of charts: shown by the page in place of the browser's own box.
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("role", "status");
  document.body.append(tip);
  let lit = null;

  const hide = () => {
    tip.hidden = true;
    if (lit) lit.classList.remove("lit");
    lit = null;
  };

  const show = (hit, x, y) => {
    if (lit !== hit) {
      hide();
      lit = hit;
      hit.classList.add("lit");
      tip.textContent = hit.dataset.tip;
      tip.hidden = false;
    }
    const { clientWidth } = document.documentElement;
    const above = y - tip.offsetHeight - 12;
    tip.style.left = `${Math.max(4, Math.min(x + 12, clientWidth - tip.offsetWidth - 4))}px`;
    tip.style.top = `${above > 4 ? above : y + 20}px`;
  };

  const middle = (hit) => {
    const box = hit.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };

  // The point nearest to the pointer, not further than a finger is wide.
  const nearest = (hits, x, y) => {
    let best = null;
    let least = 22;
    for (const hit of hits) {
      const [left, top] = middle(hit);
      const distance = Math.hypot(left - x, top - y);
      if (least > distance) [best, least] = [hit, distance];
    }
    return best;
  };

  for (const chart of document.querySelectorAll("svg.chart")) {
    const hits = [...chart.querySelectorAll(".hit")];
    const points = hits.filter((hit) => hit.localName !== "rect");
    for (const hit of hits) {
      const title = hit.querySelector("title");
      hit.dataset.tip = title.textContent;
      title.remove();
    }
    let keyed = false;
    const move = (event) => {
      keyed = false;
      const hit = event.target.closest(".hit") || nearest(points, event.clientX, event.clientY);
      if (hit) show(hit, event.clientX, event.clientY);
      else hide();
    };
    chart.addEventListener("pointermove", move);
    chart.addEventListener("pointerdown", move);
    // A page that scrolls under a resting pointer leaves what the keyboard has shown.
    chart.addEventListener("pointerleave", () => keyed || hide());
    chart.addEventListener("blur", () => {
      keyed = false;
      hide();
    });
    chart.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (event.key === "Escape") hide();
      if (!step || hits.length === 0) return;
      event.preventDefault();
      const at = hits.indexOf(lit);
      const next = at === -1 ? (step > 0 ? 0 : hits.length - 1) : (at + step + hits.length) % hits.length;
      keyed = true;
      show(hits[next], ...middle(hits[next]));
    });
  }

  // Tables: a click on a column's head sorts up, down, and back to the order of the page.
  const NUMBER = /^[>±]?\s*([+-]?\d[\d.]*(?:e[+-]?\d+)?)(?:[ ,].*)?$/i;
  const missing = (text) => text === "" || text === "–";
  const number = (text) => {
    const found = NUMBER.exec(text.replace(/[\u202f\u00a0]/g, "").replace("−", "-"));
    return found ? Number(found[1]) : NaN;
  };

  const compare = (texts) => {
    const known = texts.filter((text) => !missing(text));
    const numeric = known.every((text) => !Number.isNaN(number(text)));
    const order = numeric
      ? (a, b) => number(a) - number(b)
      : (a, b) => a.localeCompare(b, "en", { numeric: true });
    // What is missing stands last, whichever way the column is sorted.
    return (sign) => (a, b) => missing(a) - missing(b) || sign * order(a, b);
  };

  for (const table of document.querySelectorAll("table")) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    if (2 > rows.length) continue;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const text = (row) => row.cells[column].textContent.trim();
      const by = compare(rows.map(text));
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        const next = { ascending: "descending", descending: "none" }[now] || "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", next);
        const order = by(next === "descending" ? -1 : 1);
        body.append(...(next === "none" ? rows : rows.toSorted((a, b) => order(text(a), text(b)))));
      });
    });
  }
})();
