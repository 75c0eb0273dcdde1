/* Quittance page behaviour. No framework, no inline handlers. Everything here is enhancement:
   forms, links, native <dialog> and popover work without it. */
(() => {
  const $ = (s, r = document) => r.querySelector(s), $$ = (s, r = document) => [...r.querySelectorAll(s)];
  const root = document.documentElement;

  /* theme: the server prints data-theme from the cookie q_theme, so there is no flash; without one the system decides */
  const dark = () => root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;

  /* amounts are whole minor units of a currency; sums are kept apart by currency */
  function money(minor, currency, short) {
    const format = new Intl.NumberFormat(root.dataset.locale || 'en-US', { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
    const digits = format.resolvedOptions().maximumFractionDigits, text = format.format(Math.abs(minor) / 10 ** digits);
    return (minor < 0 ? '\u2212' : '') + (short ? text.replace(/\.0+$/, '') : text);
  }
  function total(elements, short) {
    const sums = {};
    elements.forEach(e => { if (e.dataset.currency) sums[e.dataset.currency] = (sums[e.dataset.currency] || 0) + (+e.dataset.minor || 0); });
    return Object.entries(sums).map(([currency, minor]) => money(minor, currency, short)).join(' + ');
  }
  /* words come from the page, in the reader's language */
  const say = (name, text = '', lane = '') => ($('#toasts').dataset['say' + name] || '').replace('{text}', text).replace('{lane}', lane);
  const icon = n => `<svg class="icon" aria-hidden="true"><use href="${root.dataset.sprite}#i-${n}"/></svg>`;

  const q = window.quittance = {
    toast(kind, title, text = '') {
      const t = document.createElement('div');
      t.className = `toast toast--${kind}`;
      t.innerHTML = `${icon(kind === 'ok' ? 'circle-check' : 'alert-triangle')}<div><b></b><p></p></div><button class="icon-btn icon-btn--sm" type="button" data-dismiss>${icon('x')}</button>`;
      $('button', t).setAttribute('aria-label', say('Dismiss')); $('b', t).textContent = title; $('p', t).textContent = text;
      $('#toasts').append(t);
    },
    move(card, to) {                 /* optimistic: the card moves now, the server may move it back */
      const lane = $(`.lane[data-stage="${to}"] .lane-cards`);
      if (!lane || !card?.dataset.moveUrl) return;
      const home = card.parentElement, next = card.nextElementSibling;
      lane.prepend(card);
      recount();
      /* the answer may have put the whole board anew: then there is nothing to put back */
      const undo = () => { if (card.isConnected) { home.insertBefore(card, next); recount(); } };
      const values = card.dataset.version ? { to, version: card.dataset.version } : { to };
      card.setAttribute('data-failed', '');      /* until an answer says otherwise: the network may be gone */
      return htmx.ajax('POST', card.dataset.moveUrl, { values, source: card, target: card, swap: 'none' })
        .then(() => card.hasAttribute('data-failed') ? undo() : announce(say('Moved', $('h3', card).textContent.trim(), lane.closest('.lane').dataset.name)), undo);
    }
  };
  const announce = t => { const l = $('#announce'); if (l) l.textContent = t; };
  const recount = () => $$('.lane').forEach(l => {
    const cards = $$('.kcard', l), n = $('.count', l), s = $('.lane-sum', l), e = $('.lane-empty', l);
    const rest = +($('.lane-rest', l)?.dataset.rest || 0), all = cards.length + rest;
    if (n) n.textContent = all; if (s) s.textContent = total([...cards, ...$$('.lane-rest [data-currency]', l)], true); if (e) e.hidden = all > 0;
  });
  /* cards can be dragged by the mouse; lists that came later as well */
  const draggable = () => {
    $$('.kcard a').forEach(a => a.draggable = false);
    if (window.Sortable) $$('.lane-cards').filter(list => !Sortable.get(list)).forEach(list => {
      const lane = list.closest('.lane');
      Sortable.create(list, {
        group: { name: 'board', pull: !lane.classList.contains('lane--locked'), put: (to, from, el) => (el.dataset.to || '').split(' ').includes(lane.dataset.stage) },
        draggable: '.kcard[data-draggable]', delay: 180, delayOnTouchOnly: true, animation: 140,
        ghostClass: 'kcard--ghost', dragClass: 'kcard--lift', filter: 'button', preventOnFilter: false,
        onEnd: e => {              /* home first; the lane below the pointer decides, and the server says why it may not */
          const { clientX: x, clientY: y } = e.originalEvent.changedTouches?.[0] || e.originalEvent;
          const over = document.elementFromPoint(x, y)?.closest('.lane');
          if (e.to !== e.from) e.from.insertBefore(e.item, e.from.children[e.oldIndex] || null);
          if (over && over !== e.from.closest('.lane')) q.move(e.item, over.dataset.stage);
        }
      });
    });
  };

  /* bulk selection: count and sum come from data-minor, the bar appears with the first tick */
  function bulk(table) {
    const boxes = $$('tbody [data-check]', table), on = boxes.filter(b => b.checked), all = $('[data-check-all]', table);
    const bar = document.getElementById(boxes[0]?.getAttribute('form')) || $('[data-bulkbar]');
    boxes.forEach(b => b.closest('tr').setAttribute('aria-selected', b.checked));
    if (all) { all.checked = on.length > 0 && on.length === boxes.filter(b => !b.disabled).length; all.indeterminate = on.length > 0 && !all.checked; }
    if (!bar) return;
    if (bar.matches('[data-bulkbar]')) bar.hidden = !on.length;
    const said = $('[data-bulk-count]', bar), of = $('[data-ticked-of]', bar);
    if (!said) return;
    said.textContent = on.length === 1 ? said.dataset.one : said.dataset.many.replace('{n}', on.length);
    $('[data-bulk-sum]', bar).textContent = total(on);
    if (of) $('[data-bulk-rest]', of).textContent = money(on.reduce((rest, b) => rest - b.dataset.minor, +of.dataset.tickedOf), of.dataset.currency);
  }

  /* a dialog starts at its first field, and gives focus back to what opened it */
  function open(d, from) { d.returnTo = from; d.showModal(); $('.body :is(input:not([type=hidden]), select, textarea)', d)?.focus(); }

  document.addEventListener('click', e => {
    const t = e.target.closest('[data-theme-toggle],[data-dialog],[data-expand],[data-dismiss],[data-clear],[data-move],[data-close],[data-copy]');
    if (!t) return;
    if (t.matches('[data-theme-toggle]')) {
      e.preventDefault();
      root.dataset.theme = dark() ? 'light' : 'dark';
      document.cookie = `q_theme=${root.dataset.theme};path=/;max-age=31536000;samesite=lax` + (location.protocol === 'https:' ? ';secure' : '');
    }
    if (t.matches('[data-dialog]')) { const d = document.getElementById(t.dataset.dialog); if (d) { e.preventDefault(); open(d, t); } }
    if (t.matches('[data-close]')) { const d = t.closest('dialog'); if (d) { e.preventDefault(); d.close(); } }
    if (t.matches('[data-dismiss]')) t.closest('.toast, .alert').remove();
    if (t.matches('[data-expand]')) { const r = document.getElementById(t.getAttribute('aria-controls')); const open = t.getAttribute('aria-expanded') !== 'true'; t.setAttribute('aria-expanded', open); r.hidden = !open; }
    if (t.matches('[data-clear]')) { $$('[data-bulk]').forEach(tb => { $$('[data-check]', tb).forEach(b => b.checked = false); bulk(tb); }); ($('[data-check-all]') || $('#main'))?.focus(); }
    if (t.matches('[data-move]')) { e.preventDefault(); const card = document.getElementById(t.dataset.card), menu = t.closest('[popover]'); menu?.hidePopover(); q.move(card, t.dataset.move)?.then(() => { const now = document.getElementById(t.dataset.card); ($('.menu-btn', now || card) || $('h3 a', now || card))?.focus(); }); }
    if (t.matches('[data-copy]')) navigator.clipboard?.writeText(t.dataset.copy).then(() => q.toast('ok', say('Copied', t.dataset.copy)));
  });
  document.addEventListener('close', e => { const d = e.target; if (d.id === 'sheet') d.replaceChildren(); d.returnTo?.isConnected && d.returnTo.focus(); }, true);
  document.addEventListener('change', e => {
    const drop = e.target.closest('.drop'); if (drop) $('[data-file-name]', drop).textContent = [...e.target.files].map(f => f.name).join(', ');
    const table = e.target.closest('[data-bulk]'); if (!table) return;
    if (e.target.matches('[data-check-all]')) $$('tbody [data-check]:not(:disabled)', table).forEach(b => b.checked = e.target.checked);
    if (e.target.matches('[data-check],[data-check-all]')) bulk(table);
  });
  document.addEventListener('keydown', e => {
    const m = e.target.closest?.('.menu');
    if (m && ['ArrowDown', 'ArrowUp', 'Home', 'End'].includes(e.key)) {
      e.preventDefault();
      const i = $$('button:not(:disabled), a', m), at = i.indexOf(document.activeElement);
      i[e.key === 'Home' ? 0 : e.key === 'End' ? i.length - 1 : (at + (e.key === 'ArrowDown' ? 1 : -1) + i.length) % i.length].focus();
    }
    if (e.key === '/' && !/INPUT|TEXTAREA|SELECT/.test(e.target.tagName)) { const s = $('.search input'); if (s) { e.preventDefault(); s.focus(); } }
  });
  /* popover menus: focus the first item, and place them where CSS anchor positioning is missing */
  document.addEventListener('toggle', e => {
    const m = e.target; if (!m.matches?.('.menu') || e.newState !== 'open') return;
    if (!CSS.supports('position-area: block-end')) {
      const b = $(`[popovertarget="${m.id}"]`).getBoundingClientRect(), h = m.offsetHeight, w = m.offsetWidth;
      m.style.top = (b.bottom + h + 8 > innerHeight ? b.top - h - 4 : b.bottom + 4) + 'px';
      m.style.left = Math.max(8, Math.min(b.right - w, innerWidth - w - 8)) + 'px';
    }
    $('button:not(:disabled), a', m)?.focus();
  }, true);

  /* toasts leave after 6 s, unless they report a failure or hold focus or the pointer */
  function leaveLater(n) {
    if (!n.classList?.contains('toast') || n.classList.contains('toast--bad')) return;
    const go = () => n.matches(':hover, :focus-within') ? setTimeout(go, 2000) : n.remove();
    setTimeout(go, 6000);
  }

  document.addEventListener('DOMContentLoaded', () => {
    $$('[data-bulk]').forEach(bulk);
    $$('.lane').length && recount();
    draggable();
    $$('#toasts .toast').forEach(leaveLater);
    new MutationObserver(ms => ms.forEach(m => m.addedNodes.forEach(leaveLater))).observe($('#toasts'), { childList: true });
    /* a page that comes back with faults: the same focus the fragment would get */
    takeFocus();
  });

  /* Focus follows the server's intent: it marks one element with data-focus. */
  function takeFocus() { const f = $('[data-focus]'); if (!f) return; f.removeAttribute('data-focus'); if (!f.matches('input,select,textarea,button,a[href]')) f.setAttribute('tabindex', '-1'); f.focus(); }

  /* htmx 4 glue */
  /* htmx copies a style attribute onto the element that takes its place, which the policy refuses: what a drag left on a
     card goes, and what else a script or its handle gave an element (a larger text area) comes back by script */
  const styles = new Map();
  document.addEventListener('htmx:before:swap', () => $$('.kcard[style], [id][style]').forEach(el => {
    if (!el.matches('.kcard') && el.style.length) styles.set(el.id, el.style.cssText);
    el.removeAttribute('style');
  }));
  document.addEventListener('htmx:after:swap', () => {
    styles.forEach((text, id) => { const el = document.getElementById(id); if (el) el.style.cssText = text; });
    styles.clear();
    const sheet = $('#sheet');
    if (sheet && sheet.childElementCount && !sheet.open) { sheet.setAttribute('aria-labelledby', $('h2', sheet)?.id || ''); open(sheet, opener); }
    takeFocus();
    $$('[data-bulk]').forEach(bulk);
    if ($('.lane')) { recount(); draggable(); }
  });
  let opener = null;
  document.addEventListener('htmx:before:request', e => { const s = e.detail.ctx.sourceElement; if (s?.matches?.('[data-sheet]')) opener = s; if (document.hidden && s?.matches?.('[data-poll]')) e.preventDefault(); });
  document.addEventListener('htmx:after:request', e => {
    const c = e.detail.ctx, card = c.target?.matches?.('.kcard') ? c.target : null;
    if (card) card.toggleAttribute('data-failed', c.response.status >= 400);
  });
  /* a change made from a dialog: it closes, unless the answer put a result where the form was */
  document.addEventListener('htmx:finally:request', e => {
    const c = e.detail.ctx, s = c.sourceElement, d = s?.closest?.('dialog[open]');
    if (d && c.request.method !== 'GET' && c.response?.status < 300 && c.hx?.reswap === 'none' && s.isConnected) d.close();
  });
  document.addEventListener('htmx:response:error', e => {
    const r = e.detail.ctx.response, reference = r.headers.get('X-Request-Id');
    if (r.status >= 500) q.toast('bad', say('Fault'), say('Safe') + (reference ? ` ${say('Reference', reference)}` : ''));
  });
  document.addEventListener('htmx:error', () => q.toast('bad', say('Offline'), say('Retry')));
})();
