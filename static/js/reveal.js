// Masked values of a person's file: the form's answer takes the place of the masked text. Without script the answer is a page of its own.
// What was shown goes away with the page: on leaving, and when the browser would bring the page back from its memory.

const shown = new Map();

const hide = () => {
  for (const [holder, before] of shown) holder.replaceChildren(...before);
  shown.clear();
};

addEventListener("pagehide", hide);
addEventListener("pageshow", (event) => {
  if (event.persisted) hide();
});

// A reason given once is offered again for the next value of the same page.
const said = { reason: "", note: "" };
document.addEventListener(
  "toggle",
  (event) => {
    const form = event.target.open && event.target.querySelector && event.target.querySelector("form[data-reveal]");
    if (!form) return;
    for (const name of ["reason", "note"]) form.elements[name].value ||= said[name];
    form.elements.reason.focus();
  },
  true,
);

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-reveal]");
  const holder = form && form.closest("[data-masked]");
  if (!holder) return;
  event.preventDefault();
  for (const name of ["reason", "note"]) said[name] = form.elements[name].value;
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { "X-Requested-With": "fetch" } });
    if (answer.redirected) return location.reload(); // signed out meanwhile
    const part = document.createElement("template");
    part.innerHTML = await answer.text();
    if (answer.ok) {
      shown.set(holder, [...holder.childNodes]);
      holder.replaceChildren(part.content);
      holder.tabIndex = -1;
      holder.focus();
    } else if (answer.status === 422) {
      holder.querySelector("details.hs-reveal").replaceWith(part.content);
    } else {
      form.submit(); // the page of the error says what is wrong
    }
  } catch {
    button.disabled = false; // the line is down for a moment: it can be sent again
  }
});
