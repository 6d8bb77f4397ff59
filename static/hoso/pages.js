// Small helps of our own pages. Every page works without them, except where it says so.

// Filters that apply as soon as they are changed.
for (const field of document.querySelectorAll("[data-submit-on-change]")) {
  field.addEventListener("change", () => field.form.requestSubmit());
}

// A form that is being sent cannot be sent twice.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", () => {
    setTimeout(() => {
      for (const button of form.querySelectorAll("button")) button.disabled = true;
    });
  });
}

// One box that ticks all boxes of its table.
for (const all of document.querySelectorAll("[data-tick-all]")) {
  const boxes = [...all.closest("table").querySelectorAll(`tbody input[name="${all.dataset.tickAll}"]`)];
  const show = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  };
  all.hidden = false;
  all.addEventListener("change", () => boxes.forEach((box) => (box.checked = all.checked)));
  boxes.forEach((box) => box.addEventListener("change", show));
  show();
}

// The place where a workbook is dropped.
for (const drop of document.querySelectorAll("[data-drop]")) {
  const input = drop.querySelector("input[type=file]");
  const name = drop.querySelector("[data-drop-name]");
  const show = () => {
    if (input.files.length) name.textContent = input.files[0].name;
  };
  input.addEventListener("change", show);
  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("hs-over");
    });
  }
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("hs-over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    input.files = event.dataTransfer.files;
    show();
  });
}

// A link that speaks of the unit chosen beside it.
for (const link of document.querySelectorAll("a[data-for-unit]")) {
  const chosen = document.getElementById(link.dataset.forUnit);
  chosen?.addEventListener("change", () => {
    const address = new URL(link.href);
    address.searchParams.set("unit", chosen.value);
    link.href = address;
  });
}

// A part of the page that is fetched again until it no longer asks for it: progress of a background run.
// The server answers with the part alone; focus and scrolling stay where they are.
const watch = (part) => {
  const seconds = Number(part.dataset.every || 2);
  setTimeout(async () => {
    try {
      const answer = await fetch(part.dataset.watch, { headers: { "X-Requested-With": "fetch", "X-Passive": "1" } });
      if (answer.redirected) return location.reload();
      if (!answer.ok) throw new Error(answer.statusText);
      const holder = document.createElement("template");
      holder.innerHTML = await answer.text();
      const next = holder.content.firstElementChild;
      if (next.hasAttribute("data-finished")) return location.assign(next.dataset.finished || location.href);
      part.replaceWith(next);
      if (next.hasAttribute("data-watch")) watch(next);
    } catch {
      watch(part); // the line is down for a moment: ask again
    }
  }, seconds * 1000);
};
document.querySelectorAll("[data-watch]").forEach(watch);

// A branch of a tree fetches what is below it when it is opened for the first time.
document.addEventListener(
  "toggle",
  async (event) => {
    const branch = event.target;
    const address = branch.dataset && branch.dataset.lazy;
    if (!address || !branch.open) return;
    delete branch.dataset.lazy;
    try {
      const answer = await fetch(address);
      if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
      branch.insertAdjacentHTML("beforeend", await answer.text());
    } catch {
      branch.dataset.lazy = address; // closed and opened again, it asks again
      branch.open = false;
    }
  },
  true,
);

// What can only be printed where there is a script for it.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
