// The page behind /docs. Whatever an agent or the host says is put in as text, never as markup.

const $ = (id) => document.getElementById(id);
const at = (path) => new URL(path, new URL('.', document.baseURI)).href;

let token = '';
let agent;
let running;

/** A reply that is an error, with what the host says of it. */
class Refused extends Error {}

async function call(path, options = {}) {
  const reply = await fetch(at(path), {
    ...options,
    headers: { ...(token !== '' && { Authorization: `Bearer ${token}` }), ...options.headers },
  });
  if (reply.ok) return reply;
  const text = await reply.text();
  throw new Refused(faultText(parsed(text)?.error, reply.status, reply.headers.get('x-request-id')));
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function faultText(error, status, requestId) {
  const what = error?.message ?? 'the host answered with an error';
  const code = error?.code ?? (status === undefined ? '' : `HTTP ${status}`);
  return `${what} (${code}${requestId ? `, request ${requestId}` : ''})`;
}

function show(element, text) {
  element.textContent = text;
  element.hidden = text === '';
}

async function listAgents() {
  show($('sign-in-fault'), '');
  try {
    const { agents = [] } = await (await call('v1/agents')).json();
    $('agents').replaceChildren(...agents.map(entryOf));
    $('no-agents').hidden = agents.length > 0;
    $('trial').hidden = true;
    if (agents.length > 0) choose(agents[0]);
  } catch (error) {
    $('agents').replaceChildren();
    $('no-agents').hidden = true;
    $('trial').hidden = true;
    show($('sign-in-fault'), error instanceof Refused ? error.message : 'the host cannot be reached');
  }
}

function entryOf(info) {
  const button = document.createElement('button');
  button.type = 'button';
  button.dataset.id = info.id;
  const name = document.createElement('span');
  name.textContent = info.name || info.id;
  const model = document.createElement('small');
  model.textContent = info.model;
  button.append(name, model);
  button.addEventListener('click', () => choose(info));
  const item = document.createElement('li');
  item.append(button);
  return item;
}

function choose(info) {
  running?.abort();
  agent = info;
  for (const button of $('agents').querySelectorAll('button')) {
    button.setAttribute('aria-current', String(button.dataset.id === info.id));
  }
  $('agent-name').textContent = info.name || info.id;
  $('agent-about').textContent = info.description;
  $('output').textContent = '';
  show($('fault'), '');
  $('facts').hidden = true;
  $('trial').hidden = false;
  showCommand();
}

function request() {
  const seconds = Number($('timeout').value);
  return { input: $('input').value, ...(seconds > 0 && { timeout_seconds: seconds }) };
}

function showCommand() {
  if (agent === undefined) return;
  const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
  const url = at(`v1/agents/${encodeURIComponent(agent.id)}/execute/stream`);
  $('curl').textContent = [
    `curl -N ${quoted(url)}`,
    `  -H "Authorization: Bearer $OUTRIDER_TOKEN" -H 'Content-Type: application/json'`,
    `  -d ${quoted(JSON.stringify(request()))}`,
  ].join(' \\\n');
}

async function ask(how) {
  running?.abort();
  const run = new AbortController();
  running = run;
  $('output').textContent = '';
  show($('fault'), '');
  $('facts').hidden = true;
  $('stop').disabled = false;
  const path = `v1/agents/${encodeURIComponent(agent.id)}/execute${how === 'stream' ? '/stream' : ''}`;
  try {
    const reply = await call(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(request()),
      signal: run.signal,
    });
    if (how === 'execute') finish(await reply.json(), true);
    else await readEvents(reply, run);
  } catch (error) {
    if (running === run) show($('fault'), failureText(error, run.signal.aborted));
  } finally {
    if (running === run) {
      running = undefined;
      $('stop').disabled = true;
    }
  }
}

function failureText(error, stopped) {
  if (stopped) return 'stopped';
  return error instanceof Refused ? error.message : 'the connection to the host broke off';
}

/** Server-sent events, as far as this host writes them: one `data` line each. */
async function readEvents(reply, run) {
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Refused('the stream ended before the agent was done');
    if (running !== run) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const name = /^event: ?(.*)$/m.exec(block)?.[1];
      const data = parsed(/^data: ?(.*)$/m.exec(block)?.[1] ?? '');
      if (name === 'chunk') $('output').append(data?.text ?? '');
      if (name === 'error') throw new Refused(faultText(data?.error, undefined, reply.headers.get('x-request-id')));
      if (name === 'done') {
        finish(data, false);
        await reader.cancel();
        return;
      }
    }
  }
}

function finish(reply, withOutput) {
  if (withOutput) $('output').textContent = reply.output;
  const facts = {
    'Stop reason': reply.stop_reason,
    Tokens: reply.token_count,
    Time: `${reply.execution_time_ms} ms`,
    Loops: reply.loop_count,
  };
  $('facts').replaceChildren(
    ...Object.entries(facts).flatMap(([name, value]) => {
      const term = document.createElement('dt');
      term.textContent = name;
      const description = document.createElement('dd');
      description.textContent = String(value);
      return [term, description];
    }),
  );
  $('facts').hidden = false;
}

$('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  token = $('token').value.trim();
  void listAgents();
});
$('ask').addEventListener('submit', (event) => {
  event.preventDefault();
  void ask(event.submitter?.value ?? 'stream');
});
$('ask').addEventListener('input', showCommand);
$('stop').addEventListener('click', () => running?.abort());
// A host without authentication shows its agents at once.
void listAgents().then(() => show($('sign-in-fault'), ''));
