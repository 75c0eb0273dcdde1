/* Paying by card: the provider's own field in our page. It confirms with the provider and comes back to the consultation. */
(() => {
  let begun = null;
  function begin() {
    const form = document.querySelector('form[data-stripe-key]');
    if (!form || form === begun) return;
    begun = form;
    const said = form.querySelector('[data-card-error]');
    const button = form.querySelector('[type=submit]');
    const say = text => { said.textContent = text || ''; said.hidden = !text; };
    const box = form.querySelector('[data-card-field]');
    box.replaceChildren(); /* what it says without script */
    if (!window.Stripe) { say(form.dataset.unreachable); return; }
    const back = new URL(form.dataset.back, location.href);
    const dark = getComputedStyle(document.documentElement).colorScheme === 'dark';
    const stripe = window.Stripe(form.dataset.stripeKey, { locale: form.dataset.locale });
    const elements = stripe.elements({ clientSecret: form.dataset.secret, appearance: { theme: dark ? 'night' : 'stripe' } });
    const field = elements.create('payment');
    field.on('ready', () => { button.disabled = false; });
    field.on('loaderror', () => say(form.dataset.unreachable));
    field.mount(box);
    form.addEventListener('submit', async event => {
      event.preventDefault();
      if (button.disabled) return;
      button.disabled = true;
      say('');
      let told;
      try { told = await stripe.confirmPayment({ elements, confirmParams: { return_url: back.href } }); } catch { told = { error: {} }; }
      const error = told.error;
      if (!error) return;
      const status = error.payment_intent && error.payment_intent.status;
      if (status === 'succeeded' || status === 'processing') { /* paid before, in another window */
        back.searchParams.set('redirect_status', status);
        location.assign(back.href);
        return;
      }
      say(error.message || form.dataset.failed);
      button.disabled = false;
    });
  }
  document.addEventListener('htmx:after:swap', begin);
  begin();
})();
