/* Passkeys: asks the browser for one, and sends its answer with the form. No words of its own: messages stand in the page.
 *
 *   <form method="post" data-passkey="create|get" data-passkey-options='{...}'>     options from the server, or instead
 *   <form ...           data-passkey="get" data-passkey-from="{address}">           an address that gives them as JSON
 *     <input type="hidden" name="credential">
 *     <button type="button" data-passkey-start disabled>…</button>
 *     <p data-passkey-failed hidden>…</p>      shown when nothing came of it
 *     <p data-passkey-missing hidden>…</p>     shown in place of the button where the browser has no passkeys
 *   </form>
 * Needs mfa/js/webauthn-json.js before it.
 */
const optionsOf = async (form) => {
  if (!form.dataset.passkeyFrom) return JSON.parse(form.dataset.passkeyOptions);
  const answer = await fetch(form.dataset.passkeyFrom, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(answer.statusText);
  return (await answer.json()).request_options;
};

const create = (form, options) => {
  const alone = form.querySelector("input[name=passwordless]");
  const wanted = options.publicKey.authenticatorSelection;
  if (alone && alone.checked) Object.assign(wanted, { residentKey: "required", requireResidentKey: true, userVerification: "required" });
  return window.webauthnJSON.create(options);
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const start = form.querySelector("[data-passkey-start]");
  const failed = form.querySelector("[data-passkey-failed]");
  if (!window.PublicKeyCredential) {
    const missing = form.querySelector("[data-passkey-missing]");
    start.hidden = true;
    if (missing) missing.hidden = false;
    else form.hidden = true;
    continue;
  }
  start.addEventListener("click", async () => {
    start.disabled = true;
    failed.hidden = true;
    try {
      const options = await optionsOf(form);
      const answer = form.dataset.passkey === "create" ? await create(form, options) : await window.webauthnJSON.get(options);
      form.querySelector("input[name=credential]").value = JSON.stringify(answer);
      form.submit();
    } catch {
      failed.hidden = false;
      start.disabled = false;
    }
  });
  start.disabled = false; // it could do nothing before now
}
