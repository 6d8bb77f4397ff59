/* Asks the signing agent on the person's own machine for a signature, then submits the form that carries it.
 *
 * The PIN and the pairing code are typed on the agent's pages, never on ours. Plain script, no words of its own: every
 * message is in the page, so that it is translated with the page, and is shown when its turn comes.
 *
 *   <form method="post" action="{approve url}" data-signing
 *         data-signing-manifest="{manifest's bytes in base64}"
 *         data-signing-agent="http://127.0.0.1:17171">          (optional; this is the default)
 *     {% csrf_token %}
 *     <input type="hidden" name="signature" data-signing-output>          receives the CMS signature in base64
 *     <button type="button" data-signing-start disabled>Ký số</button>
 *     <button type="button" data-signing-cancel hidden>Dừng chờ</button>  (optional)
 *     <a data-signing-link target="_blank" hidden>Mở trang ký số</a>      for browsers that block the window
 *     <div role="status" aria-live="polite">
 *       <p data-signing-state="asking" hidden>Đang gọi chương trình ký số...</p>
 *       <p data-signing-state="pairing" hidden>Nhập mã ghép nối trong cửa sổ vừa mở...</p>
 *       <p data-signing-state="waiting" hidden>Đọc lại nội dung và nhập mã PIN trong cửa sổ vừa mở...</p>
 *       <p data-signing-state="signed" hidden>Đã ký, đang gửi...</p>
 *       <p data-signing-state="refused" hidden>Bạn đã chọn không ký.</p>
 *       <p data-signing-state="expired" hidden>Đã quá 10 phút...</p>
 *       <p data-signing-state="unreachable" hidden>Chưa thấy chương trình ký số trên máy này...</p>
 *       <p data-signing-state="failed" hidden>Chương trình ký số không nhận yêu cầu này...</p>
 *     </div>
 *   </form>
 *   <script src="{% static 'js/signing.js' %}" defer></script>
 *
 * The form element carries the current state in data-signing-now (also "idle"), for styles and tests.
 */
(function () {
  "use strict";

  const POLL_MILLISECONDS = 700;
  const LOST_AFTER = 5; // polls in a row without an answer: the agent was closed

  class Stopped extends Error {
    constructor(state) {
      super(state);
      this.state = state;
    }
  }

  class Signing {
    constructor(form) {
      this.form = form;
      this.agent = (form.dataset.signingAgent || "http://127.0.0.1:17171").replace(/\/$/, "");
      this.start = form.querySelector("[data-signing-start]");
      this.cancel = form.querySelector("[data-signing-cancel]");
      this.link = form.querySelector("[data-signing-link]");
      this.output = form.querySelector("[data-signing-output]");
      this.start.addEventListener("click", () => this.run());
      if (this.cancel) this.cancel.addEventListener("click", () => (this.stopped = true));
      this.start.disabled = false; // it could do nothing before now
      this.show("idle");
    }

    async run() {
      this.stopped = false;
      this.busy(true);
      this.show("asking");
      // Opened at once, within the click: after the first answer a browser would take it for an unwanted window.
      this.window = window.open("about:blank", "_blank");
      try {
        const signature = await this.sign();
        this.output.value = signature;
        this.show("signed");
        this.form.requestSubmit();
      } catch (error) {
        if (this.window) this.window.close();
        this.busy(false);
        if (!(error instanceof Stopped)) throw error;
        this.show(error.state === "not_paired" ? "expired" : error.state); // the agent was started anew meanwhile
      }
    }

    async sign() {
      const manifest = this.form.dataset.signingManifest;
      let identifier;
      try {
        const opened = await this.call("/requests", { token: this.token, body: { manifest } });
        identifier = opened.id;
        this.visit(opened.url);
      } catch (error) {
        if (!(error instanceof Stopped) || error.state !== "not_paired") throw error;
        identifier = await this.pair(manifest);
      }
      this.show("waiting");
      const done = await this.poll(`/requests/${identifier}`, () => this.token, (answer) => answer.state !== "waiting");
      if (done.state !== "signed") throw new Stopped("refused");
      return done.signature;
    }

    async pair(manifest) {
      this.show("pairing");
      const pairing = await this.call("/pairings", { body: { manifest } });
      this.visit(pairing.url);
      const paired = await this.poll(`/pairings/${pairing.id}`, () => pairing.secret, (answer) => answer.state === "paired");
      this.token = paired.token;
      return paired.request;
    }

    async poll(path, token, finished) {
      for (let lost = 0; ; ) {
        if (this.stopped) throw new Stopped("idle");
        try {
          const answer = await this.call(path, { token: token() });
          if (finished(answer)) return answer;
          lost = 0;
        } catch (error) {
          if (!(error instanceof Stopped) || error.state !== "unreachable" || ++lost >= LOST_AFTER) throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
      }
    }

    async call(path, { token, body } = {}) {
      const headers = {};
      if (token) headers.Authorization = `Bearer ${token}`;
      if (body) headers["Content-Type"] = "application/json";
      let response;
      try {
        response = await fetch(this.agent + path, {
          method: body ? "POST" : "GET",
          headers,
          body: body && JSON.stringify(body),
          credentials: "omit",
          cache: "no-store",
        });
      } catch {
        throw new Stopped("unreachable"); // not running, another origin, or the browser's permission was denied
      }
      if (response.ok) return response.json();
      throw new Stopped(response.status === 401 ? "not_paired" : response.status === 404 ? "expired" : "failed");
    }

    visit(url) {
      if (this.link) {
        this.link.href = url;
        this.link.hidden = Boolean(this.window);
      }
      if (this.window) this.window.location.replace(url);
    }

    // One browser is paired once for each start of the agent; the token is worth nothing without the PIN.
    get token() {
      return localStorage.getItem(this.key) || "";
    }

    set token(value) {
      localStorage.setItem(this.key, value);
    }

    get key() {
      return `signing-agent ${this.agent}`;
    }

    busy(busy) {
      this.start.disabled = busy;
      if (this.cancel) this.cancel.hidden = !busy;
      if (this.link && !busy) this.link.hidden = true;
    }

    show(state) {
      this.form.dataset.signingNow = state;
      for (const message of this.form.querySelectorAll("[data-signing-state]")) {
        message.hidden = message.dataset.signingState !== state;
      }
    }
  }

  for (const form of document.querySelectorAll("form[data-signing]")) new Signing(form);
})();
