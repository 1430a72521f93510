/** What every alert hook that posts over HTTP does, against receivers that behave and misbehave. */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { AlertHook } from '../../lib/alert-hooks/contract.ts';
import { httpPoster, type HttpPost } from '../../lib/alert-hooks/http-post.ts';
import { systemClock } from '../../lib/base/clock.ts';
import { ConfigError, DeniedError, PenstockError, TransientError } from '../../lib/base/errors.ts';
import { anAlert, startReceiver, type Answer, type Receiver } from '../alert-hooks/support.ts';
import { PATIENT_MS } from '../support/patience.ts';

/** Makes the hook for a receiver; it may post to 127.0.0.1. */
export type MakeHook = (receiverUrl: string, post: HttpPost) => AlertHook;

const SECRET_ANSWER = 'SECRET-ANSWER-OF-THE-RECEIVER';

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(code, headers).end(SECRET_ANSWER);

export function alertHookConformance(name: string, make: MakeHook, path = '/secret-path'): void {
  describe(`alert hook: ${name}`, () => {
    let receiver: Receiver | undefined;
    afterEach(async () => {
      await receiver?.close();
      receiver = undefined;
    });

    const deliverTo = async (answer: Answer, deadlineMs = PATIENT_MS): Promise<PenstockError | undefined> => {
      receiver = await startReceiver(answer);
      const hook = make(`${receiver.url}${path}`, httpPoster({ clock: systemClock, deadlineMs }));
      try {
        await hook.deliver(anAlert(), { deliveryId: 'delivery_1' });
        return undefined;
      } catch (error) {
        if (error instanceof PenstockError) return error;
        throw error;
      }
    };

    test.each([200, 201, 202, 204])('counts status %s as delivered', async (code) => {
      expect(await deliverTo((response) => void response.writeHead(code).end())).toBeUndefined();
      expect(receiver?.received).toHaveLength(1);
      expect(receiver?.received[0]?.headers['content-type']).toBe('application/json');
    });

    test.each([408, 425, 429, 500, 502, 503, 504])('wants to try again after status %s', async (code) => {
      expect(await deliverTo(status(code))).toBeInstanceOf(TransientError);
    });

    test.each([401, 403])('says that status %s is a refusal of us', async (code) => {
      expect(await deliverTo(status(code))).toBeInstanceOf(DeniedError);
    });

    test.each([400, 404, 405, 410, 413, 422, 301, 302, 307, 308])('gives up after status %s', async (code) => {
      expect(await deliverTo(status(code, { location: '/elsewhere' }))).toBeInstanceOf(ConfigError);
      expect(receiver?.received).toHaveLength(1);
    });

    test('passes on how long the receiver wants to be left alone, in seconds and as a date', async () => {
      expect((await deliverTo(status(429, { 'retry-after': '17' })))?.retryAfterMs).toBe(17_000);
      await receiver?.close();
      const date = new Date(Date.now() + 600_000).toUTCString();
      const retryAfterMs = (await deliverTo(status(503, { 'retry-after': date })))?.retryAfterMs ?? 0;
      expect(retryAfterMs).toBeGreaterThan(300_000);
      expect(retryAfterMs).toBeLessThanOrEqual(600_000);
      await receiver?.close();
      expect((await deliverTo(status(503, { 'retry-after': 'soon' })))?.retryAfterMs).toBeUndefined();
    });

    test('gives up waiting for a receiver that never answers', async () => {
      const error = await deliverTo(() => {}, 200);
      expect(error).toBeInstanceOf(TransientError);
      expect(error?.message).toMatch(/200 ms/);
    });

    test('gives up waiting for a receiver that drips its headers', async () => {
      const error = await deliverTo((response) => {
        const drip = setInterval(() => response.socket?.write('x'), 20);
        response.socket?.write('HTTP/1.1 200 OK\r\nx-slow: ');
        response.socket?.on('close', () => clearInterval(drip));
      }, 300);
      expect(error).toBeInstanceOf(TransientError);
    });

    test('does not wait for a receiver that drips its body once the status is there', async () => {
      // It never ends: whoever waited for it would fail at the deadline.
      const error = await deliverTo((response) => {
        response.writeHead(200);
        const drip = setInterval(() => response.write('x'), 20);
        response.on('close', () => clearInterval(drip));
      });
      expect(error).toBeUndefined();
    });

    test('cuts off a body without end', async () => {
      let written = 0;
      const error = await deliverTo((response) => {
        response.writeHead(500, { 'content-length': '1000000000' });
        const chunk = Buffer.alloc(65_536);
        const more = (): void => {
          while (!response.destroyed && written < 1_000_000_000) {
            written += chunk.length;
            if (!response.write(chunk)) return void response.once('drain', more);
          }
        };
        more();
      });
      expect(error).toBeInstanceOf(TransientError);
      expect(written).toBeLessThan(50_000_000);
    });

    test('wants to try again when the connection breaks or nobody listens', async () => {
      expect(await deliverTo((response) => void response.socket?.destroy())).toBeInstanceOf(TransientError);
      const url = `${receiver?.url}${path}`;
      await receiver?.close();
      const hook = make(url, httpPoster({ clock: systemClock, deadlineMs: PATIENT_MS }));
      await expect(hook.deliver(anAlert(), { deliveryId: 'delivery_1' })).rejects.toBeInstanceOf(TransientError);
    });

    test('tells neither the secret part of the URL nor what the receiver answered', async () => {
      for (const code of [302, 400, 403, 500]) {
        const error = await deliverTo(status(code));
        expect(`${error?.message} ${error?.stack} ${JSON.stringify(error)}`).not.toMatch(
          /secret-path|SECRET-ANSWER|routing-key|whsec/,
        );
        await receiver?.close();
      }
    });

    test('delivers resolved alerts, and alerts with hostile and very long text', async () => {
      receiver = await startReceiver();
      const hook = make(`${receiver.url}${path}`, httpPoster({ clock: systemClock, deadlineMs: PATIENT_MS }));
      const hostile = `<!channel> & <https://evil|x> "quoted" \u0000 \u202e ${'é💥'.repeat(5_000)}`;
      await hook.deliver(anAlert({ state: 'resolved' }), { deliveryId: 'one' });
      await hook.deliver(anAlert({ title: hostile, detail: hostile, key: hostile, workloads: Array(500).fill('w') }), {
        deliveryId: 'two',
      });
      expect(receiver.received).toHaveLength(2);
      for (const { body } of receiver.received) {
        expect(() => JSON.parse(body) as unknown).not.toThrow();
        expect(Buffer.byteLength(body)).toBeLessThan(60_000);
      }
    });
  });
}
