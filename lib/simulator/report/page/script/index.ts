/** The page's whole script. */
import { THEME_SCRIPT } from '../../../../base/page-theme.ts';
import { BASE } from './base.ts';
import { PAGE } from './page.ts';
import { SCATTER } from './scatter.ts';
import { TIMELINE } from './timeline.ts';
import { TIMELINE_DRAWING } from './timeline-drawing.ts';
import { TIMELINE_INPUT } from './timeline-input.ts';

const PARTS = [BASE, TIMELINE, TIMELINE_DRAWING, TIMELINE_INPUT, SCATTER, THEME_SCRIPT, PAGE];

/** One function that is called at once: nothing of it is global. Ends with the start, so the order matters only for that. */
export const SCRIPT = `(function () {\n'use strict';\n${PARTS.join('')}})();\n`;
