/** What happens in the day of the demo, told while it happens. */
import { STOCK_OUT } from './scene.ts';

type Chapter = { readonly fromHour: number; readonly text: string };

/** In order; the hours are those of the traffic in `scene.ts`. Each fits in two lines of 80 columns. */
const CHAPTERS: readonly Chapter[] = [
  { fromHour: 0, text: 'Night: little traffic, few GPUs. image-batch runs none at all.' },
  {
    fromHour: 5,
    text: 'Jobs arrive in a queue: image-batch wakes from zero replicas, and takes nodes only while there is work.',
  },
  {
    fromHour: 7,
    text: 'The office wakes up: llama-8b-chat grows ahead of its load, and its GPU nodes are asked for together with the replicas.',
  },
  {
    fromHour: 11,
    text: 'Lunch: what is not needed goes after a while. Each node is drained, seen to be empty, then ended.',
  },
  {
    fromHour: 12.8,
    text: `qwen-32b-agent gets 4.5 times its load, and ${STOCK_OUT.group} runs out of machines: p5-od steps in, and people are called.`,
  },
  {
    fromHour: 16.2,
    text: 'The burst is over. Its replicas stay for a while, in case it comes back; then the dearest node goes.',
  },
  {
    fromHour: STOCK_OUT.toHour,
    text: 'There are machines again. More jobs come: image-batch wakes from zero a second time.',
  },
  { fromHour: 19.5, text: 'Evening: the fleet shrinks behind the load, so that no dip costs a cold start.' },
];

/** What is going on at this hour of the day, 0 ≤ hour < 24. */
export function chapterAt(hour: number): string {
  return CHAPTERS.findLast(({ fromHour }) => hour >= fromHour)?.text ?? '';
}
