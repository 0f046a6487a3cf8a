"use strict";
// Tables become cards where they do not fit, and those of several runs can be sorted and filtered. Without it they scroll.
(() => {
  const collator = new Intl.Collator("en", { numeric: true });

  // --- cards

  function fit() {
    const boxes = [...document.querySelectorAll(".scroll.table")];
    boxes.forEach((box) => box.classList.remove("stacked"));
    const narrow = boxes.filter((box) => box.scrollWidth > box.clientWidth);
    narrow.forEach((box) => { label(box.firstElementChild); box.classList.add("stacked"); });
  }

  function label({ tHead, tBodies }) {
    const heads = [...tHead.rows[0].cells].map((head) => head.textContent.trim());
    for (const row of tBodies[0].rows) {
      let column = 0;
      for (const cell of row.cells) {
        cell.dataset.label = cell.colSpan > 1 ? "" : heads[column];
        column += cell.colSpan;
      }
    }
  }

  window.addEventListener("resize", fit);
  document.addEventListener("toggle", fit, true);
  document.addEventListener("filled", fit);  // a script has put other rows into a table

  // --- order: by what a cell says exactly, where it does; what has no rank and what has no value are last both ways

  function sortable(table) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => sort(table, head, column));
      head.replaceChildren(button);
    });
  }

  function sort(table, head, column) {
    const down = head.ariaSort === "ascending";
    [...head.parentElement.cells].forEach((one) => one.removeAttribute("aria-sort"));
    head.ariaSort = down ? "descending" : "ascending";
    const rows = [...table.tBodies[0].rows].map((row) => ({ row, ...keyOf(row, column) }));
    rows.sort((a, b) => a.last - b.last || (down ? -1 : 1) * order(a.key, b.key));
    table.tBodies[0].append(...rows.map(({ row }) => row));
  }

  function keyOf(row, column) {
    const cell = row.cells[column];
    const exact = cell?.querySelector("data");
    const key = exact ? Number(exact.value) : cell?.textContent.trim() ?? "";
    return { key, last: 2 * row.matches(".unranked") + ["", "–"].includes(key) };
  }

  function order(a, b) {
    return typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b);
  }

  // --- the filter

  function sift(sought, tables, status) {
    const rows = tables.flatMap((table) => [...table.tBodies[0].rows]);
    rows.forEach((row) => { row.hidden = !`${row.dataset.words} ${row.textContent}`.toLowerCase().includes(sought); });
    tables.forEach((table) => {
      table.closest("section").hidden = sought !== "" && [...table.tBodies[0].rows].every((row) => row.hidden);
    });
    status.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
  }

  const tables = [...document.querySelectorAll("table.sortable")];
  tables.forEach(sortable);
  const input = document.getElementById("rows");
  if (input) {
    const filter = () => sift(input.value.trim().toLowerCase(), tables, document.getElementById("rows-shown"));
    ["input", "change"].forEach((event) => input.addEventListener(event, filter));
    input.closest("[hidden]").hidden = false;
    filter();
  }
  fit();
})();
