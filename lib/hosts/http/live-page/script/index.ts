/** The page's whole script. */
import { THEME_SCRIPT } from '../../../../base/page-theme.ts';
import { BASE } from './base.ts';
import { CHART } from './chart.ts';
import { DETAIL } from './detail.ts';
import { FLEET } from './fleet.ts';
import { POLL } from './poll.ts';
import { ROWS } from './rows.ts';

const PARTS = [BASE, CHART, ROWS, FLEET, THEME_SCRIPT, DETAIL, POLL];

/** One function that is called at once: nothing of it is global. Ends with the start, so the order matters only for that. */
export const SCRIPT = `(function () {\n'use strict';\n${PARTS.join('')}})();\n`;
