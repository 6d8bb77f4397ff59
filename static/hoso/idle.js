// Leaves the page when nobody has used the program, in any tab, for as long as the server allows: what stands on the screen is not for who
// passes by. A minute before, it says so, and any key goes on. While somebody types or reads, the server hears of it once a minute.
(() => {
  const box = document.querySelector("[data-idle]");
  if (!box) return;
  const limit = Number(box.dataset.idle) * 60_000, warning = 60_000, every = 60_000;
  const text = box.querySelector("[data-idle-text]");
  const KEY = "hoso-used-at";
  let mine = Date.now(), told = Date.now(), telling = null;

  const stored = () => { try { return Number(localStorage.getItem(KEY)) || 0; } catch { return 0; } };
  const store = (moment) => { try { localStorage.setItem(KEY, String(moment)); } catch { /* each tab by itself then */ } };
  const used = () => Math.max(mine, stored());

  const tell = async () => {
    telling = null;
    told = Date.now();
    try {
      const answer = await fetch(box.dataset.here, { headers: { "X-Requested-With": "fetch" } });
      if (answer.redirected) location.reload(); // ended meanwhile, elsewhere or by its age
    } catch { /* the line is down for a moment */ }
  };
  const note = () => {
    const now = Date.now();
    if (now - mine < 1_000) return;
    mine = now;
    store(now);
    box.hidden = true;
    if (!telling) telling = setTimeout(tell, Math.max(0, every - (now - told)));
  };
  const look = () => {
    const left = limit - (Date.now() - used());
    if (left <= 0) {
      clearInterval(timer);
      const form = box.querySelector("form");
      form.elements.next.value = location.pathname + location.search + location.hash;
      form.submit();
      return;
    }
    if (left <= warning && box.hidden) {
      text.textContent = text.dataset.idleText;
      box.hidden = false;
      box.querySelector("button").focus();
    } else if (left > warning) {
      box.hidden = true;
    }
  };

  store(mine);
  for (const kind of ["keydown", "pointerdown", "wheel", "touchstart", "input"]) document.addEventListener(kind, note, { passive: true, capture: true });
  const timer = setInterval(look, 1_000);
  document.addEventListener("visibilitychange", look);
})();
