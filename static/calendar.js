/* A consultant's own calendar in our page: its embed draws it and tells the number of the booking, which our form sends.
   Until the calendar has told our server of it, too, the form is sent again, every three seconds for a minute. */
(() => {
  const place = document.querySelector('[data-cal-link]');
  const field = document.querySelector('[data-cal-number]');
  if (!field) return;
  const form = field.form;
  const looked = form.elements.looked;
  let sent = false;
  const send = () => { if (!sent) { sent = true; form.requestSubmit(); } };
  if (document.querySelector('[data-cal-wait]') && Number(looked.value) < 20) {
    looked.value = Number(looked.value) + 1;
    setTimeout(send, 3000);
  }
  if (!place) return;
  /* calls made before the embed's script is there wait in its queue */
  const cal = function () { cal.q.push(arguments); };
  cal.q = [];
  cal.ns = {};
  cal.loaded = true;
  window.Cal = window.Cal || cal;
  const box = document.createElement('div');
  place.prepend(box);
  const chosen = event => {
    const told = event.detail.data;
    const uid = told.uid || (told.booking && told.booking.uid);
    if (!uid) return;
    field.value = uid;
    looked.value = 1;
    send();
  };
  window.Cal('init', { origin: place.dataset.calOrigin });
  window.Cal('inline', { elementOrSelector: box, calLink: place.dataset.calLink, config: { name: place.dataset.calName, layout: 'month_view' } });
  window.Cal('on', { action: 'bookingSuccessful', callback: chosen });
  window.Cal('on', { action: 'bookingSuccessfulV2', callback: chosen });
  const script = document.createElement('script');
  script.src = place.dataset.calScript;
  document.head.append(script);
})();
