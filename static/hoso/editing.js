// The form of one section. htmx saves it and brings back remarks; here are the pickers and what keeps the keyboard in its place.

const form = document.getElementById("ed-form");

// A picker: what is typed asks the server, what is chosen goes into the hidden field. Arrows, Enter, Escape, as lists everywhere.
class Picker {
  constructor(box) {
    this.box = box;
    [this.input, this.value] = box.querySelectorAll("input");
    this.list = box.querySelector("ul");
    this.kept = this.input.value;
    this.asked = 0;
    box.dataset.ready = "";
    this.input.addEventListener("input", (event) => {
      event.stopPropagation(); // nothing is chosen yet, so there is nothing to save
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(), 180);
    });
    this.input.addEventListener("change", (event) => event.stopPropagation());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => setTimeout(() => this.leave(), 150));
    this.list.addEventListener("pointerdown", (event) => {
      const line = event.target.closest("[role=option]");
      event.preventDefault();
      if (line) this.choose(line);
    });
  }

  get lines() {
    return [...this.list.querySelectorAll("[role=option]")];
  }

  async ask() {
    const number = ++this.asked;
    const answer = await fetch(`${this.box.dataset.pick}?q=${encodeURIComponent(this.input.value)}`);
    if (!answer.ok || answer.redirected || number !== this.asked) return;
    this.list.innerHTML = await answer.text();
    for (const line of this.lines) line.id = `${this.list.id}-${line.id}`;
    this.show(true);
  }

  show(open) {
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
    if (!open) this.input.removeAttribute("aria-activedescendant");
  }

  key(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (this.list.hidden) return this.ask();
      const lines = this.lines;
      const here = lines.findIndex((line) => line.getAttribute("aria-selected") === "true");
      const next = lines[(here + (event.key === "ArrowDown" ? 1 : -1) + lines.length) % lines.length];
      for (const line of lines) line.setAttribute("aria-selected", String(line === next));
      if (next) {
        next.scrollIntoView({ block: "nearest" });
        this.input.setAttribute("aria-activedescendant", next.id);
      }
    } else if (event.key === "Enter" && !this.list.hidden) {
      event.preventDefault();
      const line = this.lines.find((one) => one.getAttribute("aria-selected") === "true") || (this.lines.length === 1 && this.lines[0]);
      if (line) this.choose(line);
    } else if (event.key === "Enter") {
      event.preventDefault();
    } else if (event.key === "Escape" && !this.list.hidden) {
      event.preventDefault();
      this.input.value = this.kept;
      this.show(false);
    }
  }

  choose(line) {
    this.input.value = this.kept = line.dataset.label;
    this.show(false);
    this.keep(line.dataset.value);
  }

  // What was typed and not chosen is kept as typed: the server says whether it is a code or a name that it knows.
  leave() {
    this.show(false);
    if (this.input.value !== this.kept) {
      this.kept = this.input.value;
      this.keep(this.input.value);
    }
  }

  keep(value) {
    this.value.value = value;
    this.value.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

const prepare = (root) => {
  for (const box of root.querySelectorAll("[data-pick]:not([data-ready])")) new Picker(box);
};
prepare(document);

// Of sections side by side on a narrow screen, the present one is in sight.
const here = document.querySelector(".ed-nav [aria-current]");
const strip = document.querySelector(".ed-nav");
if (here && strip.scrollWidth > strip.clientWidth) strip.scrollLeft = here.offsetLeft - 14;

if (form) {
  // A new row: its pickers work, and its first field has the keyboard.
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (!event.detail.target.classList.contains("ed-lines")) return;
    prepare(event.detail.target);
    event.detail.target.lastElementChild?.querySelector("select, input:not([type=hidden]), textarea")?.focus();
  });

  // A remark that came or went also marks its field.
  document.body.addEventListener("htmx:oobAfterSwap", (event) => {
    const remarks = event.detail.target;
    const field = remarks.id?.startsWith("r-") && document.getElementById(`f-${remarks.id.slice(2)}`);
    if (!field) return;
    const now = document.getElementById(remarks.id);
    now?.hasAttribute("data-wrong") ? field.setAttribute("aria-invalid", "true") : field.removeAttribute("aria-invalid");
  });

  // Each save of this window has a number, so that the server knows the latest from one that was on its way.
  const tick = form.elements.namedItem("tick");
  const next = () => {
    if (tick) tick.value = String(Number(tick.value) + 1);
  };
  form.addEventListener("submit", next);
  document.body.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt !== form || !tick) return;
    next();
    event.detail.parameters.set ? event.detail.parameters.set("tick", tick.value) : (event.detail.parameters.tick = tick.value);
  });

  // A button that needs the server's rows can do nothing before now.
  document.body.addEventListener("htmx:load", () => {
    for (const button of document.querySelectorAll(".ed-add")) button.disabled = false;
  }, { once: true });

  // On a slow line somebody types before this script has come: that is saved as soon as it can be.
  const typed = (field) => (field.options ? [...field.options].some((one) => one.selected !== one.defaultSelected && one.value) : field.value !== field.defaultValue);
  document.body.addEventListener("htmx:load", () => {
    const fields = [...form.querySelectorAll("input:not([type=hidden]):not([type=checkbox]), textarea, select")];
    if (fields.some(typed)) form.dispatchEvent(new Event("change", { bubbles: true }));
  }, { once: true });

  const state = () => document.getElementById("draft-state");
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt === form) state().textContent = form.dataset.saving;
  });
  // What could not be saved stays in the page, which says why and tries again: when the line is back, and when somebody who was logged out
  // elsewhere has logged in again (the form's token is then of the former session, and is fetched anew).
  let unsaved = false;
  let again = null;
  let renewed = 0; // how often the token was fetched without success since: once is enough, a second refusal has another cause
  const retry = () => {
    clearTimeout(again);
    if (unsaved) form.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const tell = (...words) => {
    state().classList.add("ed-unsaved");
    state().replaceChildren(...words);
  };
  const lineDown = () => {
    tell(form.dataset.failed);
    clearTimeout(again);
    again = setTimeout(retry, 5_000);
  };
  const loggedOut = () => {
    const door = Object.assign(document.createElement("a"), { href: form.dataset.door, target: "_blank", rel: "noopener" });
    door.textContent = form.dataset.login;
    tell(`${form.dataset.out} `, door);
  };
  const freshToken = async () => {
    try {
      const answer = await fetch(location.pathname, { headers: { "X-Requested-With": "fetch" } });
      if (!answer.ok || answer.redirected) return loggedOut();
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#ed-form [name=csrfmiddlewaretoken]")?.value;
      if (!fresh || renewed++) return lineDown();
      for (const one of document.querySelectorAll("[name=csrfmiddlewaretoken]")) one.value = fresh;
      retry();
    } catch {
      lineDown();
    }
  };
  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.body.addEventListener(name, (event) => {
      if (event.detail.elt !== form) return;
      unsaved = true;
      const status = event.detail.xhr?.status;
      if (status === 401) loggedOut();
      else if (status === 403) freshToken();
      else if (status === 409) unsaved = false; // another window was faster: the page says so, and nothing is tried again
      else lineDown();
    });
  }
  addEventListener("online", retry);
  addEventListener("focus", retry);
  addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });

  // Who types and at once goes elsewhere on the page takes nothing unsaved along: what was typed is saved first.
  let typing = false; // something has not been read by a save yet
  let saving = 0;
  let onward = null;
  for (const name of ["input", "change"]) form.addEventListener(name, () => (typing = true), true);
  form.addEventListener("submit", () => (typing = false));
  document.body.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt !== form) return;
    typing = false;
    saving += 1;
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt !== form) return;
    saving -= 1;
    if (event.detail.successful) {
      unsaved = false;
      renewed = 0;
    }
    if (!event.detail.successful) onward = null; // it is said beside the title; a second try goes through
    else if (onward && !typing && !saving) onward();
  });
  const first = (event, go) => {
    if (!typing && !saving) return;
    event.preventDefault();
    onward = go;
    if (typing) form.dispatchEvent(new Event("change", { bubbles: true }));
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (link.target || link.hasAttribute("download") || link.getAttribute("href").startsWith("#")) return;
    first(event, () => location.assign(link.href));
  });
  document.addEventListener("submit", (event) => {
    const other = event.target;
    if (other === form) return;
    const button = event.submitter;
    first(event, () => other.requestSubmit(button));
  }, true);

  // Enter in a field saves it and does not send the form away.
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input:not([type=checkbox])")) {
      event.preventDefault();
      event.target.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });

  // A link to a field opens the row in which it stands.
  const aim = () => {
    const field = location.hash.startsWith("#f-") && document.getElementById(location.hash.slice(1));
    if (!field) return;
    const row = field.closest("details");
    if (row) row.open = true;
    field.focus();
    field.scrollIntoView({ block: "center" });
  };
  aim();
  addEventListener("hashchange", aim);
}
