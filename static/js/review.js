/* The approver's page by keyboard: j and k go from record to record, a goes to approving, r to giving back.
 * A page may name its own places: data-key="j" on a link or button is pressed, data-focus="r" on a field is focused.
 */
const typing = (place) => place.closest("input, textarea, select, [contenteditable]");

const step = (direction) => {
  const records = [...document.querySelectorAll("details.hs-item > summary")];
  const here = records.indexOf(document.activeElement);
  const next = records[here < 0 ? (direction > 0 ? 0 : records.length - 1) : here + direction];
  if (!next) return;
  if (here >= 0) records[here].parentElement.open = false;
  next.parentElement.open = true;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const press = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  const focus = document.querySelector(`[data-focus="${CSS.escape(event.key)}"]`);
  if (press) press.click();
  else if (focus) focus.focus();
  else if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else return;
  event.preventDefault();
});
