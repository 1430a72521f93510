/** The page in a real browser. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { renderHtml } from '../../../lib/simulator/report/html.ts';
import type { ReplayReport, ReplaySeries } from '../../../lib/simulator/report/types.ts';
import { findChromium, launchChromium } from '../../support/chromium.ts';
import { sampleFigures, sampleReplay, sampleReport } from './sample.ts';
import type { Sample } from './sample.ts';

const chromium = await findChromium();
const inBrowser = chromium.kind === 'found' ? describe : describe.skip;
const why = chromium.kind === 'found' ? '' : ` (skipped: ${chromium.reason})`;

/** Only ends what never comes: from opening the file to charts that stand it is half a second on an idle machine. */
const READY_MS_MAX = 120_000;

/** What a file name, a setting or a policy's name may bring along. */
const HOSTILE = [
  '<script>window.owned=1</script>',
  '</script><script>window.owned=1</script>',
  '"><img src=x onerror="window.owned=1">',
  "' onmouseover='window.owned=1' x='",
  '<svg onload=window.owned=1>',
  '</title></style></pre><iframe srcdoc="<script>parent.owned=1</script>">',
  'javascript:window.owned=1',
  '<!--<script>',
  '&lt;img src=x onerror=window.owned=1&gt;',
  '${window.owned=1}`;window.owned=1;//',
  '\u2028window.owned=1//\u202E',
  '__proto__',
];

inBrowser(`the page${why}`, () => {
  let browser: Browser;
  let folder: string;
  let opened: Page | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'penstock-page-'));
    if (chromium.kind === 'found') browser = await launchChromium(chromium.path);
  });
  afterEach(async () => {
    await opened?.context().close();
    opened = undefined;
  });
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Opens the page from a file, as its reader does, and notes what it says and asks for. */
  async function open(
    { report, series }: Sample,
    options: BrowserContextOptions = {},
  ): Promise<{ page: Page; said: string[]; asked: string[] }> {
    const file = join(folder, 'report.html');
    await writeFile(file, renderHtml(report, series));
    const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
    const page = await context.newPage();
    opened = page;
    page.setDefaultTimeout(READY_MS_MAX);
    const said: string[] = [];
    const asked: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(error.message));
    page.on('dialog', (dialog) => {
      said.push(dialog.message());
      void dialog.dismiss();
    });
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector('html[data-ready=true]', { timeout: READY_MS_MAX, state: 'attached' });
    return { page, said, asked };
  }

  test('a week of 12 policies opens without a complaint, asks for nothing but itself, and draws all that is shown', async () => {
    const { page, said, asked } = await open(sampleReplay());
    await page.getByRole('button', { name: 'Show all' }).click();
    expect(await page.locator('[data-line]').count()).toBe(12);
    expect(await page.locator('[data-point]').count()).toBe(12);
    expect(said).toEqual([]);
    expect(asked).toEqual([pathToFileURL(join(folder, 'report.html')).href]);
  });

  test('dragging, wheel, buttons and keys zoom and move the time axis; reset shows the whole time', async () => {
    const { page } = await open(sampleReplay());
    const whole = await range(page);
    const ticks = await page.locator('#timeline .tick').allTextContents();

    await drag(page, [0.3, 0.5]);
    const dragged = await range(page);
    expect(dragged.span / whole.span).toBeCloseTo(0.2, 1);
    expect((dragged.from - whole.from) / whole.span).toBeCloseTo(0.3, 1);
    expect(await page.locator('#timeline .tick').allTextContents()).not.toEqual(ticks);

    await page.mouse.wheel(0, -300);
    const wheeled = await eventually(
      () => range(page),
      ({ span }) => span < dragged.span,
    );

    await page.getByRole('button', { name: 'Zoom out' }).click();
    expect((await range(page)).span / wheeled.span).toBeCloseTo(2, 1);
    await page.getByRole('button', { name: 'Later' }).click();
    expect((await range(page)).from).toBeGreaterThan(dragged.from);

    await page.getByRole('button', { name: 'Whole time' }).click();
    expect(await range(page)).toEqual(whole);

    await page.locator('#timeline > svg').focus();
    await page.keyboard.press('+');
    const keyed = await range(page);
    expect(keyed.span / whole.span).toBeCloseTo(0.5, 5);
    await page.keyboard.press('ArrowLeft');
    expect((await range(page)).from).toBeLessThan(keyed.from);
    await page.keyboard.press('0');
    expect(await range(page)).toEqual(whole);
  });

  test('the wheel scrolls the page unless the chart was clicked or Ctrl is held', async () => {
    const { page } = await open(sampleReplay({ points: 200 }));
    const whole = await range(page);
    const scrolled = (): Promise<number> => page.evaluate('scrollY');
    await page.mouse.wheel(0, 200);
    const below = await eventually(scrolled, (top) => top > 0);
    await overChart(page, 0.5);
    await page.mouse.wheel(0, -100);
    await eventually(scrolled, (top) => top < below);
    expect(await range(page)).toEqual(whole);
    await overChart(page, 0.5);
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, -300);
    await eventually(
      () => range(page),
      ({ span }) => span < whole.span,
    );
    await page.keyboard.up('Control');
  });

  test('the axis cannot be zoomed beyond the series nor below four values', async () => {
    const { page } = await open(sampleReplay({ points: 200 }));
    const whole = await range(page);
    await page.locator('#timeline > svg').focus();
    for (let press = 0; press < 12; press += 1) await page.keyboard.press('+');
    expect((await range(page)).span).toBeCloseTo((whole.span / 200) * 4, 3);
    await expect(page.getByRole('button', { name: 'Zoom in' }).isDisabled()).resolves.toBe(true);
    for (let press = 0; press < 14; press += 1) await page.keyboard.press('-');
    expect(await range(page)).toEqual(whole);
  });

  test('the pointer and the keyboard read values off the chart', async () => {
    const { report, series } = flatReplay();
    const { page } = await open({ report, series });
    await overChart(page, 0.55);
    expect(await page.locator('#timeline .tip tbody tr').allInnerTexts()).toEqual([
      'load\t2.50\t',
      'penstock\t3\t7',
      'hpa\t4\t0',
    ]);
    await page.locator('#timeline > svg').focus();
    const read = page.locator('#range');
    await page.keyboard.press('Shift+ArrowRight');
    expect(await read.textContent()).toBe(
      '00:01:00: load 2.50 replicas, penstock 3 ready, 0 misses; hpa 4 ready, 0 misses',
    );
    await page.keyboard.press('Shift+ArrowLeft');
    expect(await read.textContent()).toBe(
      '00:00:50: load 2.50 replicas, penstock 3 ready, 7 misses; hpa 4 ready, 0 misses',
    );
  });

  test('misses are marked where they happen, and counted for the part that is in view', async () => {
    const { page } = await open(flatReplay());
    const plot = await page.locator('#timeline .lane').first().boundingBox();
    const marks = await page.locator('[data-misses=penstock]').boundingBox();
    expect(((marks?.x ?? 0) - (plot?.x ?? 0)) / (plot?.width ?? 1)).toBeCloseTo(0.5, 2);
    expect(await page.locator('[data-lane=penstock]').textContent()).toBe('penstock: 7 misses');
    expect(await page.locator('[data-lane=hpa]').textContent()).toBe('hpa: no misses');
    await drag(page, [0, 0.4]);
    expect(await page.locator('[data-lane=penstock]').textContent()).toBe('penstock: 0 of 7 misses');
  });

  test('the legend shows and hides policies, by pointer and by key', async () => {
    const { page } = await open(sampleReplay({ points: 200 }));
    const ray = page.locator('[data-toggle=ray]');
    expect(await ray.getAttribute('aria-pressed')).toBe('false');
    await ray.click();
    expect(await ray.getAttribute('aria-pressed')).toBe('true');
    expect(await page.locator('[data-line=ray]').count()).toBe(1);
    await ray.press('Enter');
    expect(await page.locator('[data-line=ray]').count()).toBe(0);
  });

  test('columns sort both ways, and say so', async () => {
    const { page } = await open(sampleReplay({ points: 200 }));
    const values = async (column: number): Promise<number[]> => {
      const cells = await page.locator(`#figures tbody tr > :nth-child(${column})`).all();
      return Promise.all(cells.map(async (cell) => Number(await cell.getAttribute('data-value'))));
    };
    const head = page.locator('#figures thead th').nth(5);
    await head.getByRole('button').click();
    const ascending = await values(6);
    expect(ascending).toEqual(ascending.toSorted((one, other) => one - other));
    expect(await head.getAttribute('aria-sort')).toBe('ascending');
    await head.getByRole('button').press('Enter');
    expect(await values(6)).toEqual(ascending.toReversed());
    expect(await page.locator('#figures [aria-sort=ascending], #figures [aria-sort=descending]').count()).toBe(1);
  });

  test('follows the dark setting of the system, and the button wins', async () => {
    const { page } = await open(sampleReplay({ points: 200 }), { colorScheme: 'dark' });
    const ground = (): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(await ground()).toBe('rgb(20, 24, 29)');
    await page.getByRole('button', { name: 'Dark' }).click();
    expect(await ground()).toBe('rgb(255, 255, 255)');
    await page.emulateMedia({ colorScheme: 'light' });
    await page.getByRole('button', { name: 'Dark' }).click();
    expect(await ground()).toBe('rgb(20, 24, 29)');
    expect(await page.getByRole('button', { name: 'Dark' }).getAttribute('aria-pressed')).toBe('true');
  });

  test.each([360, 1400])('fits a window of %i px, and every label stays inside its chart', async (width) => {
    const { page } = await open(sampleReplay(), { viewport: { width, height: 900 } });
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(width);
    const outside = await page.evaluate<string[]>(`[...document.querySelectorAll('.chart text')].filter((text) => {
      const box = text.getBoundingClientRect();
      return box.left < 0 || box.right > innerWidth;
    }).map((text) => text.textContent)`);
    expect(outside).toEqual([]);
  });

  test('the same page in a window that changes its width is drawn anew', async () => {
    const { page } = await open(sampleReplay({ points: 200 }));
    await page.setViewportSize({ width: 500, height: 900 });
    const width = (): Promise<number> =>
      page.evaluate("document.querySelector('#timeline > svg').viewBox.baseVal.width");
    await eventually(width, (value) => value < 500);
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(500);
  });

  test('text from outside is text, wherever it stands', async () => {
    const { page, said, asked } = await open(hostileReplay());
    await page.getByRole('button', { name: 'Show all' }).click();
    await overChart(page, 0.5);
    await page.locator('[data-point]').first().hover();
    await page.locator('#figures thead button').first().click();
    expect(await page.evaluate('window.owned')).toBeUndefined();
    expect(await page.evaluate('Object.prototype.owned')).toBeUndefined();
    expect(await page.locator('script').count()).toBe(2);
    expect(await page.locator('img, iframe, object, a, link, base, form').count()).toBe(0);
    expect(
      await page.evaluate(
        "[...document.querySelectorAll('*')].filter((element) => element.getAttributeNames().some((name) => name.startsWith('on'))).length",
      ),
    ).toBe(0);
    expect(await page.locator('#figures tbody tr').count()).toBe(HOSTILE.length + 1);
    expect(await page.locator('h1').textContent()).toBe(HOSTILE.slice(0, 3).join(''));
    expect(said).toEqual([]);
    expect(asked).toHaveLength(1);
  });

  test('an empty series and figures that are no numbers still make a page', async () => {
    const report = sampleReport({
      penstock: sampleFigures({ ratioToOptimum: Number.NaN, gpuHours: 0, waitSec: { p50: 0, p99: 0, max: Infinity } }),
    });
    const { page, said } = await open({ report, series: { fromSec: 0, stepSec: 5, load: [], policies: {} } });
    expect(await page.locator('#timeline').textContent()).toContain('no series');
    expect(await page.locator('[data-point=penstock]').count()).toBe(1);
    expect(said).toEqual([]);
  });

  test('printing is light and leaves the tools out', async () => {
    const { page } = await open(sampleReplay({ points: 200 }), { colorScheme: 'dark' });
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
    expect(await page.locator('.tools').isVisible()).toBe(false);
    expect(await page.locator('#legend button:visible').count()).toBe(3);
  });
});

type Range = { readonly from: number; readonly span: number };

/** What the time axis shows [s]. */
async function range(page: Page): Promise<Range> {
  const text = await page.evaluate<string>(
    "document.getElementById('timeline').dataset.from + ' ' + document.getElementById('timeline').dataset.to",
  );
  const [from = 0, to = 0] = text.split(' ').map(Number);
  return { from, span: to - from };
}

/** The browser answers a wheel when it has time to: looks until `holds`, or fails after a while. */
async function eventually<Value>(read: () => Promise<Value>, holds: (value: Value) => boolean): Promise<Value> {
  const deadlineMs = performance.now() + READY_MS_MAX;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    if (performance.now() > deadlineMs) throw new Error(`still ${JSON.stringify(value)} after ${READY_MS_MAX} ms`);
  }
}

/** Puts the pointer over the first chart, at this share of its time axis. */
async function overChart(page: Page, share: number): Promise<void> {
  await page.locator('#timeline > svg').scrollIntoViewIfNeeded();
  const plot = await page.locator('#timeline .lane').first().boundingBox();
  if (plot === null) throw new Error('the chart has no lanes');
  const chart = await page.locator('#timeline > svg').boundingBox();
  await page.mouse.move(plot.x + plot.width * share, (chart?.y ?? 0) + 80, { steps: 2 });
}

async function drag(page: Page, [from, to]: readonly [number, number]): Promise<void> {
  await overChart(page, from);
  await page.mouse.down();
  await overChart(page, to);
  await page.mouse.up();
}

function ten(value: number): number[] {
  return Array.from({ length: 10 }, () => value);
}

/** Ten steps of ten seconds; Penstock misses seven requests in the sixth. */
function flatReplay(): { report: ReplayReport; series: ReplaySeries } {
  return {
    report: sampleReport({
      penstock: sampleFigures({ gpuHours: 3, sloMissCount: 7 }),
      hpa: sampleFigures({ gpuHours: 4 }),
    }),
    series: {
      fromSec: 0,
      stepSec: 10,
      load: ten(2.5),
      policies: {
        penstock: { ready: ten(3), misses: [0, 0, 0, 0, 0, 7, 0, 0, 0, 0] },
        hpa: { ready: ten(4), misses: ten(0) },
      },
    },
  };
}

function hostileReplay(): { report: ReplayReport; series: ReplaySeries } {
  const names = ['penstock', ...HOSTILE];
  const settings = Object.fromEntries(HOSTILE.map((text) => [text, text]));
  const report = sampleReport(
    Object.fromEntries(
      names.map((name, at) => [name, sampleFigures({ gpuHours: 100 + at, sloMissCount: at, settings })]),
    ),
  );
  const step = { ready: [1, 2, 3], misses: [0, 1, 0] };
  const text = HOSTILE.join('');
  return {
    report: {
      ...report,
      trace: { ...report.trace, file: HOSTILE.slice(0, 3).join(''), format: text, digest: text },
      settings: { ...report.settings, replicaClass: text },
      versions: settings,
    },
    series: {
      fromSec: 0,
      stepSec: 60,
      load: [1, 2, 3],
      policies: Object.fromEntries(names.map((name) => [name, step])),
    },
  };
}
