/** The live page in a real browser, from a real server, with stores in memory. */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { AlertEntry, OpsAlert } from '../../../../lib/core/types.ts';
import { livePage } from '../../../../lib/hosts/http/live-page/html.ts';
import { serveApi } from '../../../../lib/hosts/http/server.ts';
import type { HttpServer } from '../../../../lib/hosts/http/server.ts';
import { makeLive } from '../../../../lib/loop/live/live.ts';
import { pause } from '../../../../lib/loop/pauses.ts';
import type { StatusDeps } from '../../../../lib/loop/status.ts';
import { findChromium, launchChromium } from '../../../support/chromium.ts';
import { liveFleet } from '../../../support/live-fleet.ts';
import type { LiveFleet } from '../../../support/live-fleet.ts';

const chromium = await findChromium();
const inBrowser = chromium.kind === 'found' ? describe : describe.skip;
const why = chromium.kind === 'found' ? '' : ` (skipped: ${chromium.reason})`;

/** For a condition on the page; a hundredth of it on an idle machine. */
const PATIENCE_MS = 60_000;
/** The page reads the server's real clock, the fleet's stands still: nothing is stale before an hour is over. */
const STALE_AFTER_MS = 3_600_000;

const TOKEN = 'correct-horse';

/** What a reason, a node's name, or a person who pauses may bring along. */
const HOSTILE = [
  '<script>window.owned=1</script>',
  '"><img src=x onerror="window.owned=1">',
  "' onmouseover='window.owned=1' x='",
  '<svg onload=window.owned=1>',
  '</title></style></script><iframe srcdoc="<script>parent.owned=1</script>">',
  'javascript:window.owned=1',
  '<!--<script>',
  '&lt;img src=x onerror=window.owned=1&gt;',
  '${window.owned=1}`;window.owned=1;//',
  '\u2028window.owned=1//\u202E',
  '__proto__',
].join(' ');

const fleetOf = (workloads: number): Promise<LiveFleet> => liveFleet({ workloads, startMs: Date.now() - 4_000 });
const namesOn = (page: Page): Promise<string[]> => page.locator('#rows button').allTextContents();

inBrowser(`the live page${why}`, () => {
  let browser: Browser;
  const undo: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    if (chromium.kind === 'found') browser = await launchChromium(chromium.path);
  });
  afterEach(async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  });
  afterAll(() => browser.close());

  async function serve(
    deps: StatusDeps,
    over: { readonly token?: string; readonly port?: number; readonly staleAfterMs?: number } = {},
  ): Promise<HttpServer> {
    const live = makeLive({ deps: async () => deps, staleAfterMs: over.staleAfterMs ?? STALE_AFTER_MS });
    const statusTokenSha256 = over.token === undefined ? null : createHash('sha256').update(over.token).digest('hex');
    const server = await serveApi(
      { host: '127.0.0.1', port: over.port ?? 0 },
      { deps: async () => deps, statusTokenSha256, live },
    );
    undo.push(() => server.close());
    return server;
  }

  type Opened = { readonly page: Page; readonly said: string[]; readonly asked: string[] };

  async function open(url: string, options: BrowserContextOptions = {}): Promise<Opened> {
    const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
    undo.push(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const said: string[] = [];
    const asked: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(error.message));
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(url);
    return { page, said, asked };
  }

  test('shows the fleet without a complaint, and asks nobody but its server', async () => {
    const { deps } = await fleetOf(4);
    const { port } = await serve(deps);
    const { page, said, asked } = await open(`http://127.0.0.1:${port}/`);
    await page.waitForSelector('body[data-state=live] #rows tr');
    expect(await page.textContent('#workloads')).toBe('4');
    expect(await page.textContent('#replicas')).toMatch(/^8\/\d+$/);
    expect(await page.textContent('#price')).toBe('4.02 USD/h');
    expect(await page.textContent('#groups')).toContain('g5-od');
    await page.waitForSelector('#rows path.line[d^=M]');
    expect(await page.getAttribute('#rows svg', 'aria-label')).toMatch(
      /^last .*: wanted .* replicas, load 1 to 5 replicas$/,
    );
    expect(await page.textContent('#decisions')).toContain('w-000');
    expect(said).toEqual([]);
    expect(asked.every((url) => url.startsWith(`http://127.0.0.1:${port}/`) || url === 'data:,')).toBe(true);
  });

  test('lets nothing run but its own script and style sheet', () => {
    const { html, contentSecurityPolicy } = livePage();
    expect(contentSecurityPolicy).toContain("default-src 'none'");
    expect(contentSecurityPolicy).not.toContain('unsafe');
    for (const [name, part] of [
      ['script-src', /<script>([^]*?)<\/script>/.exec(html)?.[1]],
      ['style-src', /<style>([^]*?)<\/style>/.exec(html)?.[1]],
    ] as const) {
      const hash = createHash('sha256')
        .update(part ?? '')
        .digest('base64');
      expect(contentSecurityPolicy).toContain(`${name} 'sha256-${hash}'`);
    }
    expect(html).not.toMatch(/https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
    expect(html).not.toMatch(/ on\w+=| style=|innerHTML|insertAdjacentHTML|document\.write|\beval\(/);
  });

  test('texts from outside are shown as they are, and none of them runs', async () => {
    const { deps, clock } = await fleetOf(2);
    const { state } = deps;
    await pause(deps, { kind: 'workload', name: 'w-000' }, { by: HOSTILE, reason: HOSTILE });
    const stored = await state.control.read('w-000');
    const control = stored?.value as { latest: { trail: object[]; inputs: object[]; binding: string } };
    const step = { rule: HOSTILE, from: 1, to: 2, unit: HOSTILE, because: HOSTILE };
    const latest = {
      ...control.latest,
      binding: HOSTILE,
      trail: [step],
      inputs: [{ signal: HOSTILE, value: 1, coverage: 1, ageMs: 1 }],
    };
    await state.control.compareAndSet('w-000', { ...control, latest }, stored?.version);
    await state.ledger.record({ ...latest, id: 'd_1', atMs: clock.nowMs() } as never);
    const book = await state.alerts.read('default');
    const alert: OpsAlert = {
      schema: 'penstock.ops-alert/1',
      key: HOSTILE,
      state: 'firing',
      severity: 'critical',
      sinceMs: 1,
      atMs: 1,
      title: HOSTILE,
      detail: HOSTILE,
      doc: HOSTILE,
      workloads: ['w-000'],
    };
    const entry: AlertEntry = { alert, hooks: [], phase: 'firing', phaseSinceMs: 1 };
    await state.alerts.compareAndSet('default', Object.fromEntries([[HOSTILE, entry]]), book?.version);
    const group = await state.actuation.read('nodeGroup/g5-od');
    await state.actuation.compareAndSet(
      'nodeGroup/g5-od',
      {
        planSeq: 1,
        outcome: 'failed',
        detail: HOSTILE,
        atMs: 1,
        failures: 1,
        notBeforeMs: 0,
        drains: [{ nodeName: HOSTILE, instanceId: 'i', stage: 'evicting', startedMs: 1, detail: '' }],
        capacityBackoff: { untilMs: clock.nowMs() + 600_000, attempts: 1, cause: HOSTILE },
      },
      group?.version,
    );
    const { port } = await serve(deps);
    const { page, said } = await open(`http://127.0.0.1:${port}/#search=&of=${encodeURIComponent(HOSTILE)}`);
    await page.waitForSelector('#rows tr');
    await page.click('#close');
    await page.click('#rows button');
    await page.waitForSelector('#detail-rows dt');
    for (const place of ['#rows', '#alerts', '#groups', '#notes', '#decisions', '#detail-rows', '#detail-headline']) {
      expect([place, await page.textContent(place)]).toEqual([
        place,
        expect.stringContaining('<svg onload=window.owned=1>'),
      ]);
    }
    expect(await page.evaluate('window.owned')).toBeUndefined();
    expect(await page.locator('iframe, img, script:not(:last-of-type), #rows svg svg').count()).toBe(0);
    expect(await page.textContent('body')).not.toMatch(/[\u2028\u202E]/);
    // What was asked for by the address is no workload: the server says so with 404.
    expect(said.filter((text) => !text.includes('404'))).toEqual([]);
  });

  test('opens an explanation by the keyboard, gives the focus back, and keeps the choice in the address', async () => {
    const { deps } = await fleetOf(3);
    const { port } = await serve(deps);
    const { page } = await open(`http://127.0.0.1:${port}/#sort=name`);
    await page.waitForSelector('#rows tr');
    await page.focus('#rows tr:nth-child(2) button');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#detail[open] #detail-rows dt');
    expect(page.url()).toContain('of=w-001');
    const names = await page.locator('#detail-rows dt').allTextContents();
    expect(names).toEqual(expect.arrayContaining(['demand', 'read', 'not more', 'not less', 'costs']));
    expect(names.length).toBeLessThanOrEqual(8);
    expect(await page.getAttribute('#detail-chart svg', 'aria-label')).toContain('wanted');
    await page.keyboard.press('Escape');
    await page.waitForSelector('#detail:not([open])', { state: 'attached' });
    expect(await page.evaluate('document.activeElement.textContent')).toBe('w-001');
    expect(page.url()).not.toContain('of=');
  });

  test('searches, filters and turns pages', async () => {
    const { deps } = await liveFleet({ workloads: 110, heardSec: 20, startMs: Date.now() - 4_000 });
    const { port } = await serve(deps);
    const { page } = await open(`http://127.0.0.1:${port}/#sort=name`);
    await page.waitForSelector('#rows tr:nth-child(50)');
    expect(await page.locator('#rows tr').count()).toBe(50);
    await page.click('#next');
    await page.waitForSelector('#rows tr:first-child button:text-is("w-050")');
    expect(await page.textContent('#pages')).toBe('page 2 of 3, 110 workloads');
    await page.fill('#search', 'w-10');
    await page.waitForSelector('[data-show=all] .n:text-is("10")');
    expect(await namesOn(page)).toEqual(Array.from({ length: 10 }, (_, index) => `w-10${index}`));
    await page.click('[data-show=observe]');
    await page.waitForSelector('#rows:not(:has(tr:nth-child(3)))');
    expect(await namesOn(page)).toEqual(['w-104', 'w-109']);
    await page.reload();
    await page.waitForSelector('#rows tr');
    expect(await namesOn(page)).toEqual(['w-104', 'w-109']);
    expect(await page.inputValue('#search')).toBe('w-10');
    await page.evaluate("location.hash = '#sort=name&search=w-07'");
    await page.waitForSelector('#rows tr:first-child button:text-is("w-070")');
    expect(await page.inputValue('#search')).toBe('w-07');
    await page.fill('#search', 'nothing like that');
    await page.waitForSelector('#none');
  });

  test('follows new decisions, and asks again only for what is new', async () => {
    const { deps, clock, evaluate, world } = await fleetOf(2);
    const { port } = await serve(deps);
    const { page } = await open(`http://127.0.0.1:${port}/`);
    const states: number[] = [];
    page.on('response', (response) => {
      if (response.url().includes('/live/fleet')) states.push(response.status());
    });
    await page.waitForSelector('#rows tr');
    await page.waitForResponse((response) => response.url().includes('/live/fleet') && response.status() === 304);
    world.view.targets.clear();
    await clock.advance(2_000);
    await evaluate();
    await page.waitForSelector('#workloads-more:text-is("2 not observed")');
    expect(await page.textContent('#rows')).toContain('not observed: ');
    expect(states).toContain(304);
  });

  test('says when the controller is away, keeps what it knew, and goes on when it is back', async () => {
    const { deps } = await fleetOf(2);
    const server = await serve(deps);
    const { page } = await open(`http://127.0.0.1:${server.port}/`);
    await page.waitForSelector('body[data-state=live] #rows tr');
    await server.close();
    await page.waitForSelector('body[data-state=away]');
    expect(await page.textContent('#notes')).toMatch(
      /^The controller is not reachable; the last answer came at \d\d:\d\d:\d\d\./,
    );
    expect(await page.locator('#rows tr').count()).toBe(2);
    await serve(deps, { port: server.port });
    await page.waitForSelector('body[data-state=live]');
    expect(await page.textContent('#notes')).toBe('');
  });

  test('says when the store is away, and when nothing was decided for too long', async () => {
    const { deps } = await fleetOf(1);
    let isAway = true;
    const plans = {
      ...deps.state.plans,
      readMany: (ids: readonly string[]) =>
        isAway ? Promise.reject(new Error('Cannot reach Redis')) : deps.state.plans.readMany(ids),
    };
    const { port } = await serve({ ...deps, state: { ...deps.state, plans } }, { staleAfterMs: 1 });
    const { page } = await open(`http://127.0.0.1:${port}/`);
    await page.waitForSelector('body[data-state=away]');
    expect(await page.textContent('#notes')).toBe(
      'The controller answers, but cannot read its store: Cannot reach Redis',
    );
    isAway = false;
    await page.waitForSelector('body[data-state=stale]');
    expect(await page.textContent('#notes')).toMatch(/^No evaluation since /);
  });

  test('asks nothing while its tab is hidden', async () => {
    const { deps } = await fleetOf(1);
    const { port } = await serve(deps);
    const { page, asked } = await open(`http://127.0.0.1:${port}/`);
    await page.waitForSelector('#rows tr');
    const hide = (hidden: boolean): Promise<unknown> =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { configurable: true, value: ${hidden} }); document.dispatchEvent(new Event('visibilitychange'));`,
      );
    await hide(true);
    const before = asked.length;
    // Longer than a poll by the page's own clock.
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 2600))');
    expect(asked.length).toBe(before);
    const next = page.waitForRequest((request) => request.url().includes('/live/fleet'));
    await hide(false);
    await next;
  });

  test('asks for the token where one is needed, takes no wrong one, and sends it only in the header', async () => {
    const { deps } = await fleetOf(1);
    const { port } = await serve(deps, { token: TOKEN });
    const { page, asked } = await open(`http://127.0.0.1:${port}/`);
    await page.waitForSelector('#login');
    expect(await page.isVisible('main')).toBe(false);
    await page.fill('#token', 'wrong-horse');
    await page.click('#login button');
    await page.waitForSelector('#login-note:text-is("This token is not the right one.")');
    await page.fill('#token', TOKEN);
    await page.click('#login button');
    await page.waitForSelector('body[data-state=live] #rows tr');
    expect(await page.isVisible('#login')).toBe(false);
    await page.reload();
    await page.waitForSelector('body[data-state=live] #rows tr');
    expect(asked.filter((url) => url.includes(TOKEN))).toEqual([]);
    expect(await page.content()).not.toContain(TOKEN);
  });

  test.each(['light', 'dark'] as const)('has a contrast of 4.5 for every text in %s', async (colorScheme) => {
    const { deps } = await fleetOf(5);
    await pause(deps, { kind: 'workload', name: 'w-000' }, { by: 'ada', reason: 'incident' });
    const { port } = await serve(deps);
    const { page } = await open(`http://127.0.0.1:${port}/`, { colorScheme });
    await page.waitForSelector('body[data-state=live] #rows tr');
    const faint = await page.evaluate(CONTRASTS);
    expect(faint).toEqual([]);
  });

  test('fits a phone: nothing is wider than the screen, and every control has a name', async () => {
    const { deps } = await fleetOf(3);
    const { port } = await serve(deps);
    const { page } = await open(`http://127.0.0.1:${port}/`, { viewport: { width: 360, height: 740 } });
    await page.waitForSelector('#rows tr');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    await page.click('#rows button');
    await page.waitForSelector('#detail-rows dt');
    expect(await page.evaluate('document.querySelector("#detail").scrollWidth')).toBeLessThanOrEqual(360);
    const unnamed =
      await page.evaluate(`Array.from(document.querySelectorAll('button, input, select')).filter((control) =>
      !(control.textContent.trim() || control.getAttribute('aria-label') || (control.labels && control.labels.length > 0))).map((control) => control.id)`);
    expect(unnamed).toEqual([]);
  });
});

/** Texts on the page whose colour is too near to their ground: WCAG 2.2, 1.4.3. */
const CONTRASTS = `(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((value) => value / 255).map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const ground = parse(getComputedStyle(at).backgroundColor);
      if (ground.length === 3 || ground[3] > 0) return ground;
    }
    return [255, 255, 255];
  };
  return Array.from(document.querySelectorAll('body *')).flatMap((element) => {
    const text = Array.from(element.childNodes).filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join('');
    if (text === '' || element.closest('script, style, noscript, option, [hidden]') || element.offsetParent === null) return [];
    const [high, low] = [light(parse(getComputedStyle(element).color)), light(groundOf(element))].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    return ratio < 4.5 && !element.disabled ? [element.tagName + ' ' + text.slice(0, 20) + ' ' + ratio.toFixed(2)] : [];
  });
})()`;
