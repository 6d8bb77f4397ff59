/* A grid of cells that are corrected in place, by keyboard or mouse. Every correction is sent at once, a whole paste in one piece; the
 * answer says how the rows now stand. Nothing typed is lost: what could not be sent is sent again, and leaving the page is warned of.
 */
const grid = document.querySelector("[data-grid]");

if (grid) {
  const table = grid.querySelector("table");
  const said = grid.querySelector("[data-grid-said]");
  const status = grid.querySelector("[data-grid-status]");
  const token = grid.querySelector("[name=csrfmiddlewaretoken]").value;
  const closed = "closed" in grid.dataset;
  const rows = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("td[data-column]")]);
  const done = []; // corrections that can be taken back, newest last: lists of {cell, before, after}
  const waiting = [];
  let editor = null;
  let sending = false;

  const place = (cell) => {
    const row = rows.findIndex((cells) => cells.includes(cell));
    return row < 0 ? null : [row, rows[row].indexOf(cell)];
  };
  const at = (row, column) => rows[row] && rows[row][column];
  const tell = (text) => {
    said.textContent = text;
    said.classList.add("hs-said");
  };

  const choose = (cell) => {
    if (!cell) return;
    for (const one of table.querySelectorAll('td[tabindex="0"]')) one.tabIndex = -1;
    cell.tabIndex = 0;
    cell.focus();
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
    tell(cell.dataset.said || "");
  };

  const move = (cell, down, right) => {
    const [row, column] = place(cell);
    choose(at(row + down, column + right) || cell); // at the edge one stays where one is
  };

  // The next cell with something wrong, round and round: most cells of a long list are right.
  const next = (cell) => {
    const wrong = [...table.querySelectorAll('td[aria-invalid="true"]')];
    choose(wrong.find((one) => cell.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING) || wrong[0]);
  };

  // --- correcting one cell -------------------------------------------------------------------------------------------

  const edit = (cell, text) => {
    if (closed || editor) return;
    const before = cell.textContent;
    const input = document.createElement("input");
    input.value = text ?? before;
    input.maxLength = 1000;
    input.setAttribute("aria-label", table.tHead.rows[0].cells[cell.cellIndex].textContent.trim());
    editor = { cell, input, before };
    cell.textContent = "";
    cell.classList.add("hs-cell-editing");
    cell.append(input);
    input.focus();
    if (text === undefined) input.select();
  };

  const finish = (keep) => {
    if (!editor) return null;
    const { cell, input, before } = editor;
    editor = null;
    const after = keep ? input.value.trim() : before;
    cell.classList.remove("hs-cell-editing");
    cell.textContent = after;
    if (after !== before) correct([{ cell, before, after }]);
    return cell;
  };

  const correct = (changes, undoing = false) => {
    for (const { cell, after } of changes) cell.textContent = after;
    if (!undoing) done.push(changes);
    waiting.push(
      changes.map(({ cell, before, after }) => ({ row: Number(cell.parentElement.dataset.row), column: cell.dataset.column, before, after })),
    );
    send();
  };

  const undo = () => {
    const last = done.pop();
    if (last) correct(last.map(({ cell, before, after }) => ({ cell, before: after, after: before })), true);
  };

  // --- sending -----------------------------------------------------------------------------------------------------------

  const send = async () => {
    if (sending || !waiting.length) return;
    sending = true;
    status.textContent = "…";
    try {
      const answer = await fetch(grid.dataset.grid, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": token },
        body: JSON.stringify({ edits: waiting[0] }),
      });
      if (answer.redirected) return location.reload();
      const told = await answer.json();
      waiting.shift();
      if (answer.ok) show(told);
      else tell(told.said);
      status.textContent = answer.ok ? grid.dataset.kept : "";
      sending = false;
      send();
    } catch {
      status.textContent = grid.dataset.failed;
      setTimeout(() => {
        sending = false;
        send();
      }, 3000);
    }
  };

  const show = (told) => {
    for (const row of table.tBodies[0].rows) {
      const now = told.rows[row.dataset.row];
      if (!now) continue;
      row.dataset.state = now.state;
      row.querySelector("[data-state-label]").textContent = now.state_label;
      row.querySelector("[data-row-said]").textContent = now.said;
      for (const cell of row.querySelectorAll("td[data-column]")) {
        const one = now.cells[cell.dataset.column];
        if (!one || (editor && editor.cell === cell)) continue;
        if (!pending(row.dataset.row, cell.dataset.column)) cell.textContent = one.text;
        cell.dataset.said = one.said;
        cell.className = [one.grade && `hs-cell-${one.grade}`, one.edited && "hs-cell-edited"].filter(Boolean).join(" ");
        if (one.grade) cell.setAttribute("aria-invalid", "true");
        else cell.removeAttribute("aria-invalid");
        if (cell === document.activeElement) tell(one.said);
      }
    }
    for (const left of document.querySelectorAll("[data-left]")) left.textContent = told.left;
    if (told.refused.length) tell(`${grid.dataset.refused} ${told.refused.map((one) => one.here || "—").join(", ")}`);
  };

  const pending = (row, column) => waiting.some((edits) => edits.some((one) => String(one.row) === row && one.column === column));

  // --- keyboard, mouse, paste --------------------------------------------------------------------------------------------

  const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  table.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td[data-column]");
    if (!cell) return;
    if (editor) {
      if (event.key === "Escape") choose(finish(false));
      else if (event.key === "Enter") move(finish(true), event.shiftKey ? -1 : 1, 0);
      else if (event.key === "Tab") move(finish(true), 0, event.shiftKey ? -1 : 1);
      else return;
      event.preventDefault();
      return;
    }
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") undo();
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (MOVES[event.key]) move(cell, ...MOVES[event.key]);
    else if (event.key === "Home") choose(rows[place(cell)[0]][0]);
    else if (event.key === "End") choose(rows[place(cell)[0]].at(-1));
    else if (event.key === "F8") next(cell);
    else if (event.key === "Enter" || event.key === "F2") edit(cell);
    else if (event.key === "Delete" || event.key === "Backspace") {
      if (!closed && cell.textContent) correct([{ cell, before: cell.textContent, after: "" }]);
    } else if (event.key.length === 1) edit(cell, event.key);
    else return;
    event.preventDefault();
  });

  // Words composed by an input method (Telex, VNI) begin without a key of one character: the cell opens as soon as they do.
  table.addEventListener("compositionstart", (event) => {
    const cell = event.target.closest("td[data-column]");
    if (cell && !editor) edit(cell, "");
  });
  table.addEventListener("click", (event) => {
    const cell = event.target.closest("td[data-column]");
    if (!cell || (editor && editor.cell === cell)) return;
    finish(true);
    choose(cell);
  });
  table.addEventListener("dblclick", (event) => {
    const cell = event.target.closest("td[data-column]");
    if (cell) edit(cell);
  });
  table.addEventListener("focusout", (event) => {
    if (editor && event.target === editor.input && !(event.relatedTarget && editor.cell.contains(event.relatedTarget))) finish(true);
  });

  // Whoever comes by Tab is told what is wrong with the cell, as whoever clicks on it.
  table.addEventListener("focusin", (event) => {
    const cell = event.target.closest("td[data-column]");
    if (cell && !editor) tell(cell.dataset.said || "");
  });

  table.addEventListener("copy", (event) => {
    const cell = event.target.closest("td[data-column]");
    if (!cell || editor) return;
    event.clipboardData.setData("text/plain", cell.textContent);
    event.preventDefault();
  });
  document.addEventListener("paste", (event) => {
    const cell = document.activeElement && document.activeElement.closest("td[data-column]");
    if (!cell || editor || closed) return;
    event.preventDefault();
    const [top, left] = place(cell);
    const lines = event.clipboardData.getData("text/plain").replace(/\r?\n$/, "").split(/\r?\n/);
    const changes = [];
    lines.forEach((line, down) =>
      line.split("\t").forEach((text, right) => {
        const target = at(top + down, left + right);
        const after = text.trim();
        if (target && target.textContent !== after) changes.push({ cell: target, before: target.textContent, after });
      }),
    );
    if (changes.length) correct(changes);
  });

  addEventListener("beforeunload", (event) => {
    if (waiting.length || editor) event.preventDefault();
  });
  grid.addEventListener("submit", (event) => event.preventDefault());
  const first = table.querySelector('td[aria-invalid="true"]') || (rows[0] && rows[0][0]);
  if (first) first.tabIndex = 0;

  // "#F12" names a cell, as a spreadsheet does: whoever comes from a finding stands on it.
  const [, letter, number] = /^#([A-Z]{1,3})([0-9]{1,7})$/.exec(location.hash) || [];
  if (letter) choose(table.querySelector(`tr[data-row="${number}"] td[data-column="${letter}"]`));
}
