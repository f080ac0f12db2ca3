// Sorts every table by every column and returns what is wrong, a sentence each.
(() => {
  const problems = [];
  const value = (text) => Number(/-?\d[\d.]*(?:e[+-]?\d+)?/i.exec(text.replace(/\u202f/g, ""))?.[0]);
  for (const table of document.querySelectorAll("table")) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 2) continue;
    for (const [column, head] of [...table.tHead.rows[0].cells].entries()) {
      const what = `${table.className}, column "${head.textContent}"`;
      const cells = () => [...table.tBodies[0].rows].map((row) => row.cells[column].textContent);
      const button = head.querySelector("button");
      if (!button) {
        problems.push(`${what}: no button`);
        continue;
      }
      const plain = cells().filter((text) => text !== "–");
      const numeric = plain.every((text) => /^[>+-]?\s?[\d.\u202f]+(e[+-]?\d+)?( %)?$/i.test(text));
      for (const [sign, state] of [[1, "ascending"], [-1, "descending"]]) {
        button.click();
        if (head.getAttribute("aria-sort") !== state) problems.push(`${what}: not ${state}`);
        const values = cells().filter((text) => text !== "–").map(value);
        const falls = values.some((x, i) => i > 0 && sign * (x - values[i - 1]) < 0);
        if (numeric && falls) problems.push(`${what}: ${state}, yet ${values}`);
      }
      button.click();
      if (rows.some((row, i) => row !== table.tBodies[0].rows[i])) problems.push(`${what}: not as before`);
    }
  }
  return problems;
})()
