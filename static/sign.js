/* Drawing a signature: strokes on a 600 × 200 pad, kept in the form as whole points. Without it the typed name signs. */
(() => {
  let drawing = null;
  const parts = pad => ({ path: pad.querySelector('path'), field: pad.closest('form').elements.strokes });
  const read = field => { try { return JSON.parse(field.value || '[]'); } catch { return []; } };
  const line = strokes => strokes.map(([first, ...rest]) => `M${first[0]} ${first[1]}` + (rest.map(p => `L${p[0]} ${p[1]}`).join('') || 'h1')).join('');
  const clamp = (value, most) => Math.max(0, Math.min(most, Math.round(value)));
  function point(pad, event) {
    const box = pad.getBoundingClientRect();
    return [clamp((event.clientX - box.left) * 600 / box.width, 600), clamp((event.clientY - box.top) * 200 / box.height, 200)];
  }
  function show(pad, strokes) {
    const { path, field } = parts(pad);
    path.setAttribute('d', line(strokes));
    field.value = strokes.length ? JSON.stringify(strokes) : '';
  }
  document.addEventListener('pointerdown', event => {
    const pad = event.target.closest('.signpad');
    if (!pad || event.button) return;
    event.preventDefault();
    drawing = { pad, strokes: [...read(parts(pad).field), [point(pad, event)]] };
    show(pad, drawing.strokes);
  });
  document.addEventListener('pointermove', event => {
    if (!drawing) return;
    const stroke = drawing.strokes.at(-1), next = point(drawing.pad, event), last = stroke.at(-1);
    if (Math.hypot(next[0] - last[0], next[1] - last[1]) < 2) return;
    stroke.push(next);
    show(drawing.pad, drawing.strokes);
  });
  ['pointerup', 'pointercancel'].forEach(name => document.addEventListener(name, () => { drawing = null; }));
  document.addEventListener('click', event => {
    const button = event.target.closest('[data-signpad-clear]');
    if (button) show(button.closest('form').querySelector('.signpad'), []);
  });
})();
