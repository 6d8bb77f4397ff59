// Tick all columns of a list, or none. Without script each is ticked by itself.
for (const tools of document.querySelectorAll("[data-columns]")) {
  tools.hidden = false;
  tools.addEventListener("click", (event) => {
    const which = event.target.closest("[data-tick]")?.dataset.tick;
    if (!which) return;
    for (const box of tools.closest("section").querySelectorAll("input[name=column]")) box.checked = which === "all";
  });
}
