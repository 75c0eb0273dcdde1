/* Passkeys: a form marked data-passkey asks for a challenge, lets the device answer it, and posts the answer. */
(() => {
  const bytes = text => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0));
  const text = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  const keys = list => (list || []).map(key => ({ ...key, id: bytes(key.id) }));
  function read(options) {
    const publicKey = { ...options, challenge: bytes(options.challenge) };
    if (options.user) publicKey.user = { ...options.user, id: bytes(options.user.id) };
    if (options.excludeCredentials) publicKey.excludeCredentials = keys(options.excludeCredentials);
    if (options.allowCredentials) publicKey.allowCredentials = keys(options.allowCredentials);
    return { publicKey };
  }
  function written(made) {
    const response = {};
    ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'].forEach(name => {
      if (made.response[name]) response[name] = text(made.response[name]);
    });
    if (made.response.getTransports) response.transports = made.response.getTransports();
    return JSON.stringify({ id: made.id, rawId: text(made.rawId), type: made.type, response, clientExtensionResults: {} });
  }
  async function ask(form) {
    const answer = await fetch(form.dataset.challenge, { method: 'POST', body: new FormData(form), headers: { Accept: 'application/json' } });
    if (answer.redirected) { location.assign(answer.url); return null; }
    if (!answer.ok) throw new Error('challenge');
    return read(await answer.json());
  }
  document.addEventListener('submit', async event => {
    const form = event.target.closest('form[data-passkey]');
    if (!form || form.elements.credential.value) return;
    if (form.elements.name && !form.elements.name.value.trim()) return;
    event.preventDefault();
    const said = form.querySelector('[data-passkey-error]');
    said.hidden = true;
    try {
      const options = await ask(form);
      if (!options) return;
      form.elements.credential.value = written(await navigator.credentials[form.dataset.passkey](options));
      form.submit();
    } catch (wrong) {
      said.textContent = wrong.name === 'NotAllowedError' ? said.dataset.cancelled : said.dataset.failed;
      said.hidden = false;
    }
  });
})();
