// The live view of the engine: what runs, what waits, which KV block belongs to whom. Frames come from /debug/state, which
// exists only when the server was started with --debug-views; otherwise this stays hidden.

import * as api from './api.js';

const $ = (id) => document.getElementById(id);
const OPEN = 'tiny-llm.engine';
const MAX_SQUARES = 1024; // above, one square stands for several blocks
const FREE = -1, CACHED = -2, SHARED = -3; // holders that are no lane
const view = { stopWatching: null, apiKey: () => '' };

// ---- colours: one a row of the batch, readable on both grounds --------------------------------------------------------

const laneColour = (row) => `hsl(${(160 + row * 137.5) % 360} 45% ${matchesDark() ? 62 : 45}%)`;
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function matchesDark() {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

// ---- drawing ----------------------------------------------------------------------------------------------------------

// A canvas of `height` CSS pixels, sharp on every screen.
function brush(canvas, height) {
  const width = canvas.parentElement.clientWidth;
  const scale = devicePixelRatio || 1;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext('2d');
  context.scale(scale, scale);
  return { context, width };
}

// [[holder, n], ...] -> one holder a square; a square of several blocks shows the busiest of them.
function squares(map, nBlocks) {
  const perSquare = Math.ceil(nBlocks / MAX_SQUARES);
  const rank = (holder) => (holder >= 0 ? 3 : { [SHARED]: 2, [CACHED]: 1, [FREE]: 0 }[holder]);
  const found = new Array(Math.ceil(nBlocks / perSquare)).fill(FREE);
  let block = 0;
  for (const [holder, n] of map) {
    const last = Math.floor((block + n - 1) / perSquare);
    for (let i = Math.floor(block / perSquare); i <= last; i += 1) {
      if (rank(holder) > rank(found[i])) found[i] = holder;
    }
    block += n;
  }
  return { found, perSquare };
}

function drawBlocks({ kv, lanes }) {
  const { found, perSquare } = squares(kv.map, kv.n_blocks);
  const size = found.length > 700 ? 5 : 9;
  const pitch = size + 2;
  const columns = Math.max(1, Math.floor(($('engine-blocks').parentElement.clientWidth + 2) / pitch));
  const { context } = brush($('engine-blocks'), Math.ceil(found.length / columns) * pitch);
  const colours = { [FREE]: ink('--line'), [CACHED]: ink('--quiet'), [SHARED]: ink('--text') };
  found.forEach((holder, i) => {
    context.globalAlpha = holder === CACHED ? 0.55 : 1;
    context.fillStyle = holder >= 0 ? laneColour(lanes[holder].row) : colours[holder];
    context.beginPath();
    context.roundRect((i % columns) * pitch, Math.floor(i / columns) * pitch, size, size, size / 4);
    context.fill();
  });
  const shared = kv.map.reduce((sum, [holder, n]) => sum + (holder === SHARED ? n : 0), 0);
  const words = [`${kv.n_used} in use`, `${kv.n_cached} cached`, `${kv.n_free} free`];
  if (shared > 0) words.splice(1, 0, `${shared} of them shared`);
  $('engine-kv').textContent = words.join(', ');
  $('engine-kv-note').textContent = `${kv.block_size} tokens each${perSquare > 1 ? `, ${perSquare} a square` : ''}`;
  $('engine-blocks').setAttribute('aria-label', words.join(', '));
}

// Bars of the last steps: decoded tokens below, prompt tokens on top. The scale is logarithmic: 1 and 512 are both seen.
function drawSteps({ steps }) {
  const height = 56;
  const { context, width } = brush($('engine-steps'), height);
  const most = Math.max(8, ...steps.map(([, prefill, decode]) => prefill + decode));
  const y = (n) => (Math.log2(1 + n) / Math.log2(1 + most)) * height;
  const pitch = width / 120;
  steps.forEach(([, prefill, decode], i) => {
    const x = width - (steps.length - i) * pitch;
    const whole = y(prefill + decode);
    const low = whole * (decode / Math.max(1, prefill + decode));
    context.fillStyle = ink('--accent');
    context.fillRect(x, height - low, Math.max(1, pitch - 1), low);
    context.fillStyle = ink('--prefill');
    context.fillRect(x, height - whole, Math.max(1, pitch - 1), whole - low);
  });
  const [, prefill, decode, ms] = steps.at(-1) ?? [0, 0, 0, 0];
  $('engine-tokens').textContent = steps.length > 0
    ? `last step: ${prefill} prefill, ${decode} decode, ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : 'no step yet';
}

// How far guesses were right: bar i is the share of them in which at least i tokens were.
function drawDrafts({ drafts }) {
  $('engine-drafts').hidden = !drafts || drafts.n === 0; // a server without speculation, or one that has guessed nothing yet
  if ($('engine-drafts').hidden) return;
  const height = 40;
  const { context, width } = brush($('engine-accepted'), height);
  const pitch = width / drafts.accepted_at.length;
  drafts.accepted_at.forEach((n, i) => {
    const bar = Math.max(n > 0 ? 1 : 0, (n / drafts.n) * height);
    context.fillStyle = ink('--line');
    context.fillRect(i * pitch, height - 1, pitch - 2, 1);
    context.fillStyle = ink('--accent');
    context.fillRect(i * pitch, height - bar, pitch - 2, bar);
  });
  const accepted = drafts.accepted_at.reduce((sum, n) => sum + n, 0);
  $('engine-guesses').textContent = `${drafts.n} made, ${(accepted / drafts.n).toFixed(1)} right at a time`;
  $('engine-accepted').setAttribute('aria-label', drafts.accepted_at.map((n) => `${Math.round((100 * n) / drafts.n)} %`).join(', '));
}

function laneElement() {
  const row = document.createElement('li');
  row.innerHTML = '<i class="dot"></i><span class="name"></span><span class="state"></span><span class="count"></span><i class="bar"><b></b></i>';
  return row;
}

function drawLanes({ lanes, rows }) {
  const list = $('engine-lanes');
  while (list.children.length < lanes.length) list.append(laneElement());
  while (list.children.length > lanes.length) list.lastElementChild.remove();
  lanes.forEach((lane, i) => {
    const row = list.children[i];
    const part = (name) => row.querySelector(`.${name}`);
    const inPrompt = lane.n_generated === 0;
    row.dataset.state = lane.state;
    row.title = `${lane.n_prompt} prompt tokens (${lane.n_cached} cached), ${lane.n_generated} of at most `
      + `${lane.max_generated} generated, ${lane.n_blocks} blocks`;
    part('dot').style.background = laneColour(lane.row);
    part('name').textContent = lane.request + (lane.choice > 0 ? ` [${lane.choice}]` : '');
    part('state').textContent = lane.state;
    part('count').textContent = inPrompt ? `${lane.n_computed} / ${lane.n_prompt}` : `${lane.n_generated}`;
    const share = inPrompt ? lane.n_computed / lane.n_prompt : lane.n_generated / lane.max_generated;
    row.querySelector('.bar b').style.width = `${Math.min(100, 100 * share)}%`;
  });
  $('engine-idle').textContent = `${rows - lanes.length} of ${rows} rows idle`;
}

function drawQueue({ queue }) {
  $('engine-queue').textContent = queue.n === 0 ? 'nobody waits' : `${queue.n} waiting`;
  $('engine-waiting').replaceChildren(...queue.first.slice(0, 5).map(({ request, n_prompt: n }) => {
    const row = document.createElement('li');
    row.textContent = `${request} (${n} tokens)`;
    return row;
  }));
}

function draw(frame) {
  $('engine-step').textContent = `step ${frame.step}`;
  drawSteps(frame);
  drawLanes(frame);
  drawQueue(frame);
  drawDrafts(frame);
  drawBlocks(frame);
}

// ---- watching: only while the view is open and the page is seen ---------------------------------------------------------

const isOpen = () => !$('engine').hidden;

async function watch(signal) {
  while (!signal.aborted) {
    try {
      for await (const frame of api.engineFrames(view.apiKey(), signal)) {
        view.last = frame;
        draw(frame);
      }
    } catch (error) {
      if (error.name === 'AbortError') return;
      $('engine-step').textContent = error.message;
    }
    await new Promise((resolve) => { setTimeout(resolve, 2000); }); // the server may come back
  }
}

function update() {
  const wanted = isOpen() && !document.hidden;
  if (wanted && !view.stopWatching) {
    const controller = new AbortController();
    view.stopWatching = () => controller.abort();
    watch(controller.signal);
  } else if (!wanted && view.stopWatching) {
    view.stopWatching();
    view.stopWatching = null;
  }
}

function toggle(open) {
  $('engine').hidden = !open;
  document.body.classList.toggle('engine-open', open);
  $('open-engine').setAttribute('aria-expanded', String(open));
  try { localStorage.setItem(OPEN, open ? '1' : ''); } catch { /* no room: not remembered */ }
  update();
}

$('open-engine').addEventListener('click', () => toggle(!isOpen()));
$('close-engine').addEventListener('click', () => toggle(false));
document.addEventListener('visibilitychange', update);
addEventListener('resize', () => { if (isOpen() && view.last) draw(view.last); });

// Called once the model is known: `available` says whether this server shows its engine. A phone's screen has no room for
// both, so there the view waits to be opened.
export function offer(available, apiKey) {
  view.apiKey = apiKey;
  $('open-engine').hidden = !available;
  if (!available) return toggle(false);
  let wasOpen = false;
  try { wasOpen = localStorage.getItem(OPEN) === '1'; } catch { /* as if never opened */ }
  if (wasOpen && matchMedia('(min-width: 46.01rem)').matches) toggle(true);
}
