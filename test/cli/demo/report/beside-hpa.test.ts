import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import pico from 'picocolors';
import { TRACE, renderBeside } from '../../../../lib/cli/demo/report/beside-hpa.ts';
import type { Beside } from '../../../../lib/cli/demo/report/beside-hpa.ts';

const figures = (gpuHours: number, inTimeRatio = 1) => ({ gpuHours, costUsd: gpuHours * 3, inTimeRatio });
const text = (beside: Beside): string => renderBeside(beside, pico.createColors(false)).join('\n');

test('says the difference whichever way it went', () => {
  expect(text({ penstock: figures(80), hpa: figures(100) })).toContain('20 % fewer GPU-hours.');
  expect(text({ penstock: figures(110), hpa: figures(100) })).toContain('10 % more GPU-hours.');
  expect(text({ penstock: figures(100), hpa: figures(100) })).toContain('As many GPU-hours.');
});

test('calls everything in time only where nobody was late', () => {
  expect(text({ penstock: figures(80, 0.999_999), hpa: figures(100) })).toContain('99.99 % in time');
  expect(text({ penstock: figures(80), hpa: figures(100) })).not.toContain('99.99');
});

test('fits into 80 columns', () => {
  const lines = text({ penstock: figures(1_234), hpa: figures(9_999) }).split('\n');
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});

test('the trace that it replays and names is there', () => {
  expect(existsSync(join(import.meta.dirname, '..', '..', '..', '..', TRACE))).toBe(true);
});
