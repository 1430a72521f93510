/** The stages by which kwok plays nodes and pods: its own, with pods that take as long as they say. */
import { parseAllDocuments } from 'yaml';
import { ConfigError } from '../../base/errors.ts';

/** Annotations of a pod, each a duration such as `2500ms`: from its placement to Ready, and from its deletion to its end. At once without them. */
export const KWOK_DELAY = {
  ready: 'pod-ready.stage.kwok.x-k8s.io/delay',
  end: 'pod-delete.stage.kwok.x-k8s.io/delay',
} as const;

const STAGES: Readonly<Record<string, string>> = { 'pod-ready': KWOK_DELAY.ready, 'pod-delete': KWOK_DELAY.end };

/** The stages that kwok prints of itself (YAML documents) with {@link KWOK_DELAY} in force. Throws ConfigError when one of the two stages is not among them:
 *  another kwok, of which nothing is known here. */
export function withDelays(stages: string): string {
  const documents = parseAllDocuments(stages);
  for (const [name, annotation] of Object.entries(STAGES)) {
    const stage = documents.find((document) => document.getIn(['metadata', 'name']) === name);
    if (stage === undefined) {
      throw new ConfigError(`Cannot delay the pods of kwok: expected a stage ${name}, current value is none`);
    }
    stage.setIn(['spec', 'delay'], {
      durationMilliseconds: 0,
      durationFrom: { expressionFrom: `.metadata.annotations[${JSON.stringify(annotation)}]` },
    });
  }
  return documents.map((document) => document.toString({ directives: true })).join('');
}
