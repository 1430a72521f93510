/** The page of failures is proved: every row of it names what happens, and a test by name shows it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { alertRules } from '../lib/core/alert-rules/index.ts';

const ROOT = join(import.meta.dirname, '..');
const PAGE = readFileSync(join(ROOT, 'docs/failures.md'), 'utf8');

/** A test file under test/, and the beginning of a test's name in it. */
type Proof = readonly [file: string, name: string];

const RULES: Readonly<Record<keyof typeof alertRules, readonly Proof[]>> = {
  'unmet-demand': [
    ['core/alert-rules.test.ts', 'unmet-demand: how many replicas are short'],
    ['scenarios/node-troubles.test.ts', 'quotaReached: every group meets the same limit'],
    ['scenarios/replica-groups.test.ts', 'where nodes for one more replica are left, one comes'],
  ],
  'pinned-at-max': [['core/alert-rules.test.ts', 'pinned-at-max: the want behind the maximum']],
  'signal-missing': [
    ['core/alert-rules.test.ts', 'signal-missing: what is not heard'],
    ['integration/loop.test.ts', 'never lowers a workload whose load is unknown, and raises it to its fallback'],
  ],
  'not-observed': [
    ['core/alert-rules.test.ts', 'not-observed: one condition per reason'],
    ['scenarios/cluster-troubles.test.ts', 'is not made again, brings no node, is told after a minute'],
  ],
  'capacity-shortage': [
    ['scenarios/node-troubles.test.ts', '$state: the next group at once, an alert with the cause'],
    ['scenarios/auto-scaling-group.test.ts', 'a plain Auto Scaling group grows, falls back'],
    ['loop/actuate/node-group.test.ts', 'backs off for 3 to 30 minutes, doubling'],
  ],
  'nodes-unusable': [
    ['scenarios/node-troubles.test.ts', 'neverJoins: given up after 15 minutes'],
    ['scenarios/node-troubles.test.ts', 'withoutGpus: given up after 15 minutes'],
  ],
  'actuation-failing': [
    ['core/alert-rules.test.ts', 'actuation-failing: after three failures in a row'],
    ['cluster/suites/actuator.ts', 'a role that may not scale is told by name'],
    ['loop/actuate/target.test.ts', 'failures in a row wait longer, up to a minute'],
  ],
  'foreign-writer': [
    ['loop/actuate/target.test.ts', 'in a fight over the count it writes at most once a minute'],
    ['scenarios/cluster-troubles.test.ts', 'is told by name, nothing is written while it is there'],
  ],
  flapping: [['core/alert-rules.test.ts', 'flapping: more than six direction changes in an hour']],
  'short-grace': [
    ['core/grace.test.ts', 'is refused where requests take longer than the grace of the pods'],
    ['loop/alerts-resolve.test.ts', 'short-grace: after five minutes of a refused shrink'],
  ],
  'marks-denied': [
    ['loop/actuate/lowering.test.ts', 'that may not be written cost one warning, and the lowering goes on without'],
    ['loop/alerts-resolve.test.ts', 'marks-denied: with the denial in the record of actuation'],
  ],
  'clocks-apart': [
    ['integration/two-controllers.test.ts', 'by %i and %i ms do no harm, and still grow'],
    ['loop/alerts-resolve.test.ts', 'clocks-apart: two controllers 45 s apart tell it once'],
  ],
};

/** By the first column of the table. */
const ROWS: Readonly<Record<string, readonly Proof[]>> = {
  'Kafka is down': [['integration/faults.test.ts', 'goes on by itself when Kafka is killed and comes back']],
  'Redis is down': [['integration/faults.test.ts', 'goes on by itself when Redis is killed and comes back']],
  'Redis lost its tail or everything': [
    ['integration/faults.test.ts', 'refills from Kafka what a Redis lost that comes back without its last writes'],
    ['integration/faults.test.ts', 'hears the last window again from Kafka when Redis forgets everything'],
    ['integration/two-controllers-redis.test.ts', 'two hosts on one Redis'],
  ],
  'Redis may evict keys': [['cli/run.test.ts', 'a Redis that may drop keys: ends with 2']],
  'the Kubernetes API is down': [
    ['cluster/suites/outage.ts', 'nothing is taken for empty or gone while it is away'],
    ['cluster/suites/outage.ts', 'an action waits through a minute of it'],
  ],
  'a watch dies without a word': [
    ['cluster-view/kubernetes-watched.test.ts', 'a watch that goes silent ages, is replaced'],
    ['cluster/suites/watches.ts', 'what stays silent is missing in the end, with the reason'],
  ],
  'the permission to watch is missing': [
    ['cluster-view/kubernetes-watched.test.ts', 'where it may not watch it lists at every look, and says so once'],
  ],
  'a permission is missing': [['cluster/suites/permissions.ts', 'without %s exactly what needs it stops, and says so']],
  'a wrong or expired token': [
    ['cluster/suites/target-trouble.ts', 'an expired token is denied'],
    ['clients/kubernetes/client.test.ts', 'signs an EKS token, and signs once more when it is refused'],
  ],
  'an HPA or ScaledObject owns the target': [
    ['scenarios/cluster-troubles.test.ts', 'is told by name, nothing is written while it is there'],
    ['cluster-view/kubernetes-eks.test.ts', 'a ScaledObject owns the count'],
  ],
  'the Deployment was deleted': [
    ['scenarios/cluster-troubles.test.ts', 'is not made again, brings no node, is told after a minute'],
    ['cluster/suites/actuator.ts', 'a Deployment that was deleted meanwhile is told'],
  ],
  'a rollout is in progress': [
    ['cli/explain/render.test.ts', "'a rollout', { target: observed(6, { rolloutInProgress: true }) }"],
    ['loop/actuate/target.test.ts', 'when a rollout began since the decision, on the way down'],
    ['cluster/suites/actuator.ts', 'in a rollout the status writes of its controller'],
  ],
  'a PodDisruptionBudget, an annotation or a pod without a controller keeps a node from being emptied': [
    ['scenarios/cluster-troubles.test.ts', 'is tried for 15 minutes, takes pods again, and is left alone for 10'],
    ['cluster/suites/drainer.ts', 'a budget that forbids it is named, the pods stay'],
    ['core/nodes/freeing.test.ts', 'never with a pod that must not be evicted'],
  ],
  'a node is interrupted (Spot) or gets a notice': [
    ['scenarios/spot.test.ts', 'an interruption: the spare node takes over at once'],
  ],
  'many nodes stop answering at once': [
    ['scenarios/cluster-troubles.test.ts', 'nothing is freed while they do, and idle ones go when the nodes are back'],
  ],
  'EKS is throttled, or an update of the group is under way': [
    ['loop/actuate/cluster.test.ts', 'lost answers, throttling and refusals of a third of all calls'],
    ['loop/actuate/node-group.test.ts', 'another update in flight is waited for'],
    ['loop/actuate/node-group.test.ts', 'an update that never ends is given up after half an hour'],
  ],
  'pods start and crash': [
    ['scenarios/cluster-troubles.test.ts', 'count as asked for: no more replicas and no more nodes for them'],
  ],
  'a record that cannot be used': [
    ['loop/ingest/ingest.test.ts', 'keeps a dead letter as it came, with its reason and place'],
  ],
  'a topic was deleted and created again': [
    ['core/window/fold.test.ts', 'takes an old offset with a clearly newer time for a re-created topic'],
    ['loop/ingest/ingest.test.ts', 'never lets the progress go back, except for a topic that was made anew'],
  ],
  'clocks of producers differ from ours': [
    ['events/decode.test.ts', 'moves an interval that ends up to 60 s ahead of its Kafka time back'],
    ['core/grace.test.ts', 'lowers nothing: what it takes for fresh may be old'],
  ],
  'the controller is killed': [
    ['integration/kill.test.ts', 'counts each of ${EVENTS} events once through ${KILLS} kills'],
    ['action-queue/bullmq-faults.test.ts', 'a worker killed in the middle of a step is replaced within 10 s'],
  ],
  'two controllers at once': [
    ['integration/two-controllers.test.ts', 'serve any course of load without harm and without a fight'],
    ['loop/actuate/target.test.ts', 'two workers at once make one effective write'],
  ],
  'a Lambda wake is lost, or a function fails twice': [
    ['hosts/lambda/wake.test.ts', 'a wake that is refused is counted, never thrown'],
    ['hosts/lambda/evaluate.test.ts', 'on the tick it evaluates everything every few seconds'],
    ['serverless/package.test.ts', 'keeps failed invocations in an encrypted queue'],
  ],
  'Kafka records were given up by Lambda (15 minutes of failures)': [
    ['serverless/package.test.ts', 'has one mapping per topic, each with what keeps one bad batch'],
    ['loop/ingest/ingest.test.ts', 'counts gaps, and holds for one window when they are more'],
  ],
  'a policy file is broken': [
    ['integration/loop.test.ts', 'follows a policy file that changes, and keeps the last good version when it breaks'],
    ['cli/run.test.ts', 'no good policy: every problem, ends with 2'],
  ],
  'a setting is wrong': [['hosts/config.test.ts', 'reports every problem at once']],
  'an alert cannot be delivered': [
    ['action-queue/retry.test.ts', 'an alert is delivered for 75 hours'],
    ['loop/dead-jobs.test.ts', 'an alert that could not be delivered goes to the dead-letter topic'],
    ['conformance/action-queue.ts', 'keeps scaling steps going while every alert receiver hangs'],
  ],
};

/** First cells of the table, without its head. */
const rows = PAGE.split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => (line.split('|')[1] ?? '').trim())
  .slice(1);

describe('docs/failures.md', () => {
  test('every row of the table is proved, and no row is proved that is not there', () => {
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(Object.keys(ROWS).toSorted((a, b) => (a < b ? -1 : 1)));
  });

  test.each(Object.entries({ ...RULES, ...ROWS }))('%s', (_row, proofs) => {
    for (const [file, name] of proofs) {
      const found = readFileSync(join(ROOT, 'test', file), 'utf8').includes(name);
      expect([file, name, found]).toEqual([file, name, true]);
    }
  });
});
