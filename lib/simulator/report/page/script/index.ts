/** The page's whole script. */
import { BASE } from './base.ts';
import { PAGE } from './page.ts';
import { SCATTER } from './scatter.ts';
import { TIMELINE } from './timeline.ts';

export const SCRIPT = `(function () {\n'use strict';\n${BASE}${TIMELINE}${SCATTER}${PAGE}})();\n`;
