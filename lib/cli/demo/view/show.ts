/** Puts the picture on the terminal: redrawn in place on a live one, a line every few seconds elsewhere. */
import type { OpsAlert } from '../../../../events/schema/index.ts';
import type { World } from '../../../simulator/world/world.ts';
import type { FleetView } from '../cluster/fleet.ts';
import type { ControllerView } from '../processes/controller-client.ts';
import type { Traffic } from '../traffic.ts';
import { newDecisions, viewOf } from './view-model.ts';
import { VIEW_WIDTH, clock, renderView } from './view.ts';
import type { DecisionView, DemoView } from './types.ts';
import type { Colors } from './view.ts';

export type Frame = {
  readonly traffic: Traffic;
  readonly fleet: FleetView;
  readonly cloud: World;
  readonly controller: ControllerView | undefined;
  readonly doneRatio: number;
  /** Null while Kafka did not say. */
  readonly eventsProduced: number | null;
  readonly patches: number;
  readonly alerts: readonly OpsAlert[];
  readonly servers: string;
  readonly livePage: string;
  readonly hints: readonly string[];
};

export type Show = { frame(frame: Frame): void; end(): void };

const DECISIONS_KEPT = 12;
const PLAIN_EVERY = 10;

/** Turns frames into views, remembering what a single frame cannot know: decisions seen, event rate. */
function memoryOf(): (frame: Frame) => DemoView {
  const wanted = new Map<string, number>();
  const decisions: DecisionView[] = [];
  let produced = 0;
  let rate = 0;
  return (frame) => {
    if (frame.controller !== undefined)
      decisions.push(...newDecisions(frame.controller, { wanted, hour: frame.traffic.hour() }));
    decisions.splice(0, Math.max(0, decisions.length - DECISIONS_KEPT));
    const now = frame.eventsProduced ?? produced;
    // 0.4 s between two frames; smoothed, because a frame is short.
    rate = 0.8 * rate + 0.2 * ((now - produced) / 0.4);
    produced = now;
    return viewOf({
      ...frame,
      eventsProduced: produced,
      eventsPerSec: rate,
      decisions,
      alerts: newestAlerts(frame.alerts),
    });
  };
}

/** The newest message of each key, in the order of the last change. */
function newestAlerts(alerts: readonly OpsAlert[]): DemoView['alerts'] {
  const byKey = new Map<string, OpsAlert>();
  for (const alert of alerts) {
    byKey.delete(alert.key);
    byKey.set(alert.key, alert);
  }
  return [...byKey.values()];
}

/** Redraws in place on the terminal's alternate screen, and gives the screen back at the end. */
export function showLive({ colors }: { readonly colors: Colors }): Show {
  const { stdout } = process;
  const remember = memoryOf();
  stdout.write('\u001b[?1049h\u001b[?25l');
  return {
    frame: (frame) => {
      // Some terminals say that they have 0 columns.
      const width = Math.min(VIEW_WIDTH, stdout.columns || VIEW_WIDTH);
      const lines = renderView(remember(frame), { colors, width, rows: stdout.rows || 40 });
      // Home, each line cleared to its end, then everything below: no flicker.
      stdout.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\n')}\u001b[J`);
    },
    end: () => void stdout.write('\u001b[?25h\u001b[?1049l'),
  };
}

/** For logs and pipes: one line per model every few seconds, and each decision once. */
export function showPlain({ colors, lines }: { readonly colors: Colors; readonly lines: NodeJS.WritableStream }): Show {
  const remember = memoryOf();
  let frames = 0;
  let shown = 0;
  let chapter = '';
  const told = new Set<string>();
  lines.write(
    colors.dim(
      'hour   requests/s and replicas ready/wanted of each model; each decision with its reason; each alert\n',
    ),
  );
  return {
    frame: (frame) => {
      const view = remember(frame);
      if (view.chapter !== chapter) lines.write(`${clock(view.hour)}  ${colors.bold(view.chapter)}\n`);
      chapter = view.chapter;
      const fresh = view.decisions.filter((decision) => decision.hour > shown);
      shown = Math.max(shown, ...view.decisions.map((decision) => decision.hour));
      for (const decision of fresh) {
        lines.write(
          `${clock(decision.hour)}  ${decision.workload.padEnd(15)} ${decision.from ?? '?'} → ${decision.to}  ${decision.because}\n`,
        );
      }
      for (const alert of view.alerts) {
        const line = `${alert.state === 'resolved' ? 'resolved' : alert.severity}: ${alert.title}`;
        if (told.has(line)) continue;
        told.add(line);
        lines.write(`${clock(view.hour)}  ${colors.yellow('alert')} ${line}\n`);
      }
      if (frames++ % PLAIN_EVERY !== 0) return;
      const models = view.models
        .map((model) => `${model.name} ${model.requestsPerSec.toFixed(1)}/s ${model.ready}/${model.wanted}`)
        .join(', ');
      lines.write(
        colors.dim(`${clock(view.hour)}  ${models}; ${view.eventsProduced} events, ${view.patches} resizes\n`),
      );
    },
    end: () => {},
  };
}
